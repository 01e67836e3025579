-- tg1_publish: store, then tell. A stream entry is one field, named by the format: a JSON array [prev, time, sender, id,
-- info, tags, delta] on one line, then the data. A hint is the same with format, epoch and offset at the array's
-- beginning. The array ends where nothing more is given: after the id, or after the time where there is neither sender
-- nor id. The last element is 1 where the publisher wants deltas to be made.

local MAX_NAME_BYTES = 128   -- of an id and of a sender: those of a user id
local RECORD_TTL = '300000'  -- ms that an id is remembered
local NOTHING_MORE = { info = '', tags = '' }

local function check_name(what, name)
  if #name > MAX_NAME_BYTES or not is_name(name) then
    return refusal('TGID', what .. ' has at most ' .. MAX_NAME_BYTES .. ' bytes of UTF-8 without control characters')
  end
end

local function check_publication(channel, data, sender, id, more)
  if not data then
    return refusal('TGDATA', 'the data is missing')
  elseif #data + #more.info + #more.tags > channel.max_publication_size then
    return refusal('TGSIZE', 'data has at most ' .. whole(channel.max_publication_size) .. ' bytes')
  end
  local refused = (id ~= '' and check_name('an id', id)) or (sender ~= '' and check_name('a sender', sender))
  if refused then
    return refused
  elseif not is_json(data) then
    return refusal('TGDATA', 'the data is not JSON in UTF-8')
  elseif more.info ~= '' and not is_json_object(more.info) then
    return refusal('TGDATA', 'the info is not a JSON object in UTF-8')
  elseif more.tags ~= '' and not is_json_object(more.tags, 'string') then
    return refusal('TGDATA', 'the tags are not a JSON object of strings in UTF-8')
  end
end

-- Answers what the arguments after the id ask for, or nil and the refusal.
local function more_of(args)
  if not args[4] then
    return NOTHING_MORE
  end
  local skip, version, version_epoch = args[6] or '', args[7] or '', args[8] or ''
  local delta = args[9] or ''
  if skip ~= '' and skip ~= '1' then
    return nil, refusal('TGARGUMENT', 'to skip the history is 1 or empty')
  elseif delta ~= '' and delta ~= '1' then
    return nil, refusal('TGARGUMENT', 'to make a delta is 1 or empty')
  elseif version ~= '' and not is_version(version) then
    return nil, refusal('TGARGUMENT', 'a version is a whole number from 1 to 2^53-1')
  end
  local refused = check_name('the epoch of a version', version_epoch)
  if refused then
    return nil, refused
  end
  return {
    info = args[4],
    tags = args[5] or '',
    skip = skip == '1',
    version = tonumber(version),
    version_epoch = version_epoch,
    delta = delta == '1',
  }
end

-- By pcall: a refused PUBLISH must not turn a stored publication into an error.
local function tell(channel, epoch, offset, body)
  redis.pcall('PUBLISH', channel.hints, '[' .. FORMAT .. ',"' .. epoch .. '",' .. offset .. ',' .. body)
end

-- Layout of JSON may hold line ends, and nothing else of it can.
local function on_one_line(json)
  return (string.gsub(json, '\n', ' '))
end

-- Answers what the array has after the time.
local function names_of(sender, id, more)
  local rest = ''
  if more.tags ~= '' or more.delta then
    local info, tags = more.info == '' and 'null' or more.info, more.tags == '' and '{}' or more.tags
    rest = ',' .. on_one_line(info) .. ',' .. on_one_line(tags) .. (more.delta and ',1' or '')
  elseif more.info ~= '' then
    rest = ',' .. on_one_line(more.info)
  elseif sender == '' and id == '' then
    return ''
  end
  return ',' .. cjson.encode(sender) .. ',' .. cjson.encode(id) .. rest
end

-- Answers what entry and hint have in common: all that follows what begins their arrays.
local function body_of(prev, ms, names, data)
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

-- Answers what the record says, if it is of this epoch, or of a publication that was not kept.
local function recorded(record, epoch)
  local text = record and redis.call('GET', record)
  local of, offset = string.match(text or '', '^(.*):(%d+)$')
  if of and (of == epoch or of == '') then
    return { of, tonumber(offset) }
  end
end

local function publish_unkept(channel, record, names, data)
  local seen = record and recorded(record, channel.history.size > 0 and redis.call('HGET', channel.meta, 'e'))
  if seen then
    return seen
  end
  if record then
    redis.call('SET', record, ':0', 'PX', RECORD_TTL)
  end
  tell(channel, '', '0', body_of('0', now(), names, data))
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

local function publish_kept(channel, record, names, data, more)
  local meta = redis.call('HMGET', channel.meta, 'e', 's', 'r', 'x', 'y')
  local epoch, top, writer, stream_renewed, meta_renewed = meta[1], meta[2], meta[3], meta[4], meta[5]
  local seen = record and recorded(record, epoch)
  if seen then
    return seen
  elseif more.version and is_outdated(channel, more) then
    return { epoch, tonumber(top) }
  end
  local ms, us = now()
  if not epoch then
    epoch, top, writer, meta_renewed = create_meta(channel, ms, us), '0', replication, ms
  end
  local offset = next_offset(tonumber(top), writer, us)
  local written, body = whole(offset), body_of(top, ms, names, data)
  add_entry(channel, offset, written, body)
  move_top(channel, written, writer, stream_renewed, meta_renewed, ms)
  if more.version then
    keep_version(channel, more)
  end
  if record then
    redis.call('SET', record, epoch .. ':' .. written, 'PX', RECORD_TTL)
  end
  tell(channel, epoch, written, body)
  return { epoch, offset }
end

local function publish(keys, args)
  local data, sender, id = args[1], args[2] or '', args[3] or ''
  local channel, refused = channel_of(keys)
  if refused then
    return refused
  end
  local more
  more, refused = more_of(args)
  refused = refused or check_publication(channel, data, sender, id, more)
  if refused then
    return refused
  end
  local record = id ~= '' and channel.records .. #sender .. ':' .. sender .. ':' .. id or nil
  if keys[2] ~= channel.stream or keys[3] ~= record then
    return refuse_keys()
  end
  local write = channel.history.size > 0 and not more.skip and publish_kept or publish_unkept
  return write(channel, record, names_of(sender, id, more), data, more)
end

redis.register_function('tg1_publish', publish)
