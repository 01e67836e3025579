-- tg1_publish: store, then tell. A stream entry is one field, named by the format: a JSON array [prev, time, sender, id]
-- on one line, then the data. A hint is the same with format, epoch and offset at the array's beginning. Where neither
-- sender nor id is given, the array ends with the time.

local MAX_NAME_BYTES = 128   -- of an id and of a sender: those of a user id
local RECORD_TTL = '300000'  -- ms that an id is remembered

local function check_name(what, name)
  if #name > MAX_NAME_BYTES or not is_name(name) then
    return refusal('TGID', what .. ' has at most ' .. MAX_NAME_BYTES .. ' bytes of UTF-8 without control characters')
  end
end

local function check_publication(channel, data, sender, id)
  if not data then
    return refusal('TGDATA', 'the data is missing')
  elseif #data > channel.settings.max_publication_size then
    return refusal('TGSIZE', 'data has at most ' .. whole(channel.settings.max_publication_size) .. ' bytes')
  end
  local refused = (id ~= '' and check_name('an id', id)) or (sender ~= '' and check_name('a sender', sender))
  if refused then
    return refused
  elseif not is_json(data) then
    return refusal('TGDATA', 'the data is not JSON in UTF-8')
  end
end

-- By pcall: a refused PUBLISH must not turn a stored publication into an error.
local function tell(channel, epoch, offset, body)
  redis.pcall('PUBLISH', channel.hints, '[' .. FORMAT .. ',"' .. epoch .. '",' .. offset .. ',' .. body)
end

-- Answers what entry and hint have in common: all that follows what begins their arrays.
local function body_of(prev, ms, sender, id, data)
  local names = ''
  if sender ~= '' or id ~= '' then
    names = ',' .. cjson.encode(sender) .. ',' .. cjson.encode(id)
  end
  return prev .. ',' .. whole(ms) .. names .. ']\n' .. data
end

-- Trimming walks over a stream's oldest node, 3 µs: so it is done for several at once. What is kept is the history
-- size and at most an eighth more (16 more), all of it readable.
local function add_entry(channel, offset, written, body)
  if offset % channel.trim_every == 0 then
    redis.call('XADD', channel.stream, 'MAXLEN', '=', channel.history.size, written .. '-0', FORMAT, '[' .. body)
  else
    redis.call('XADD', channel.stream, written .. '-0', FORMAT, '[' .. body)
  end
end

-- Answers what the record says, if it is of this epoch.
local function recorded(record, epoch)
  local text = record and redis.call('GET', record)
  local of, offset = string.match(text or '', '^(.*):(%d+)$')
  if of == epoch then
    return { epoch, tonumber(offset) }
  end
end

local function publish_unkept(channel, record, sender, id, data)
  local seen = recorded(record, '')
  if seen then
    return seen
  end
  if record then
    redis.call('SET', record, ':0', 'PX', RECORD_TTL)
  end
  tell(channel, '', '0', body_of('0', now(), sender, id, data))
  return { '', 0 }
end

local function move_top(channel, offset, writer, stream_renewed, meta_renewed, ms)
  local kept = channel.history
  local stream_due = due(stream_renewed, kept.ttl, ms)
  if stream_due or writer ~= replication then
    redis.call('HSET', channel.meta, 's', offset, 'r', replication, 'x', stream_due and whole(ms) or stream_renewed)
  else
    redis.call('HSET', channel.meta, 's', offset)
  end
  if stream_due then
    redis.call('PEXPIRE', channel.stream, whole(kept.ttl))
  end
  renew_meta_if_due(channel, meta_renewed, ms)
end

local function publish_kept(channel, record, sender, id, data)
  local meta = redis.call('HMGET', channel.meta, 'e', 's', 'r', 'x', 'y')
  local epoch, top, writer, stream_renewed, meta_renewed = meta[1], meta[2], meta[3], meta[4], meta[5]
  local seen = epoch and record and recorded(record, epoch)
  if seen then
    return seen
  end
  local ms, us = now()
  if not epoch then
    epoch, top, writer, meta_renewed = create_meta(channel, ms, us), '0', replication, ms
  end
  local offset = next_offset(tonumber(top), writer, us)
  local written, body = whole(offset), body_of(top, ms, sender, id, data)
  add_entry(channel, offset, written, body)
  move_top(channel, written, writer, stream_renewed, meta_renewed, ms)
  if record then
    redis.call('SET', record, epoch .. ':' .. written, 'PX', RECORD_TTL)
  end
  tell(channel, epoch, written, body)
  return { epoch, offset }
end

local function publish(keys, args)
  local data, sender, id = args[1], args[2] or '', args[3] or ''
  local channel, refused = channel_of(keys)
  refused = refused or check_publication(channel, data, sender, id)
  if refused then
    return refused
  end
  local record = id ~= '' and channel.records .. #sender .. ':' .. sender .. ':' .. id or nil
  if keys[2] ~= channel.stream or keys[3] ~= record then
    return refuse_keys()
  end
  local write = channel.history.size > 0 and publish_kept or publish_unkept
  return write(channel, record, sender, id, data)
end

redis.register_function('tg1_publish', publish)
