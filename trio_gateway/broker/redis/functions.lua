-- The store's contract as functions: everything that must happen at one moment happens here.
--
-- library.py puts three things before this text: the shebang, REVISION, and SETTINGS (JSON: for each
-- key prefix its namespaces and limits). Every language calls the same functions, with FCALL:
--
--   tg1_publish  keys m, s [, i]   args data [, sender [, id]]               answers [epoch, offset]
--   tg1_read     keys m, s         args after, limit, max bytes              answers [epoch, top, [id, format, body, …]]
--   tg1_attach   keys m, s [, c]   args [device [, since epoch, since offset]]  answers [epoch, top, cursor epoch, cursor offset]
--   tg1_ack      keys m, c         args device, epoch, offset                answers 1 if the cursor moved, else 0
--   tg1_library  no keys           no args                                   answers [revision, settings]
--
-- An error reply's first word names what was wrong (refusals.py has the table), and nothing happened then.
-- Lua writes 1.79e+15 where a number becomes text by itself: offsets are written with %.0f, always.

local FORMAT = '1'             -- of stream entries and hints; a reader that does not know it reads the stream
local RECORD_TTL = '300000'    -- ms that an id is remembered
local MAX_NAME_BYTES = 128     -- of an id and of a sender: those of a user id
local MAX_LIMIT = 10000        -- publications of one read
local CHUNK = 16               -- entries fetched at once, so that a read of large ones stays near its bound in bytes
local JUMP = 1048576           -- see next_offset
local RENEW_AFTER = 0.1        -- a TTL is renewed when less than 90 % of it remains
local NO_HISTORY = { size = 0, meta_ttl = 0 }

local decode                   -- strict JSON, made at the first call: cjson is not there while a library loads
local installations            -- prefix -> { inbox, plain, named, limits }
local replication, replication_second
local counter = 0

local function whole(number)
  return string.format('%.0f', number)
end

local function refusal(word, reason)
  return redis.error_reply(word .. ' ' .. reason)
end

-- Settings ---------------------------------------------------------------------------------------------------------

local function history(rules)
  return { size = rules[1], ttl = rules[2], meta_ttl = rules[3] }
end

local function installation(settings)
  local named = {}
  for name, rules in pairs(settings.named) do
    named[name] = history(rules)
  end
  return {
    inbox = history(settings.inbox),
    plain = history(settings.plain),
    named = named,
    max_publication_size = settings.limits[1],
    max_channel_length = settings.limits[2],
    max_devices = settings.limits[3],
  }
end

local function prepare()
  local json = cjson.new()
  json.decode_invalid_numbers(false)
  decode = json.decode
  installations = {}
  for prefix, settings in pairs(decode(SETTINGS)) do
    installations[prefix] = installation(settings)
  end
end

-- `#` makes an inbox before any `:` is looked at; `$` is the gateway's own and keeps nothing.
local function history_of(settings, name)
  local sign = string.sub(name, 1, 1)
  if sign == '#' then
    return settings.inbox
  elseif sign == '$' then
    return NO_HISTORY
  end
  local namespace = string.match(name, '^([^:]*):')
  if not namespace then
    return settings.plain
  end
  return settings.named[namespace]
end

-- Text -------------------------------------------------------------------------------------------------------------

local UTF8_SEQUENCES = {       -- RFC 3629 §4: no overlong forms, no surrogates, nothing above U+10FFFF
  '[\194-\223][\128-\191]',
  '[\225-\236\238\239][\128-\191][\128-\191]',
  '\224[\160-\191][\128-\191]',
  '\237[\128-\159][\128-\191]',
  '\240[\144-\191][\128-\191][\128-\191]',
  '[\241-\243][\128-\191][\128-\191][\128-\191]',
  '\244[\128-\143][\128-\191][\128-\191]',
}

local function is_utf8(text)
  for _, sequence in ipairs(UTF8_SEQUENCES) do
    if not string.find(text, '[\128-\255]') then
      return true
    end
    text = string.gsub(text, sequence, '?')
  end
  return not string.find(text, '[\128-\255]')
end

-- C0, DEL, and C1 as UTF-8 has it.
local function has_control(text)
  return string.find(text, '[%z\1-\31\127]') or string.find(text, '\194[\128-\159]')
end

local function is_name(text)
  return is_utf8(text) and not has_control(text)
end

-- What cjson lets through although RFC 8259 does not: raw control characters in strings, and `1.`.
local function has_loose_json(data)
  local bare = string.gsub(data, '\\.', '')
  for text in string.gmatch(bare, '"([^"]*)"') do
    if string.find(text, '[%z\1-\31]') then
      return true
    end
  end
  local rest = string.gsub(bare, '"[^"]*"', '""') .. ' '
  return string.find(rest, '%d%.%D') or string.find(rest, '[%z\1-\8\11\12\14-\31]')
end

local function is_json(data)
  if not pcall(decode, data) then
    return false
  end
  if string.find(data, '[%z\1-\31]') or string.find(data, '%d%.%D') or string.find(data, '%d%.$') then
    return not has_loose_json(data)
  end
  return true
end

-- Channels ---------------------------------------------------------------------------------------------------------

local UNESCAPED = { ['%25'] = '%', ['%7B'] = '{', ['%7D'] = '}' }
local ESCAPED = { ['%'] = '%25', ['{'] = '%7B', ['}'] = '%7D' }

-- Only the spelling of keys.py: with a second one, two sets of keys would be one channel by name.
local function unescape(tag)
  if not string.find(tag, '%', 1, true) then
    return tag
  end
  local name = string.gsub(tag, '%%%w%w', UNESCAPED)
  local spelling = string.gsub(name, '[%%{}]', ESCAPED)
  return spelling == tag and name or nil
end

local function check_channel(name, settings)
  if name == '' or not is_name(name) then
    return refusal('TGCHANNEL', 'a channel name is not empty and holds UTF-8 without control characters')
  end
  if #name > settings.max_channel_length then
    return refusal('TGCHANNEL', 'a channel name has at most ' .. whole(settings.max_channel_length) .. ' bytes')
  end
end

-- Answers the channel that the keys belong to, or nil and the refusal.
local function channel_of(keys, second, third)
  if not decode then
    prepare()
  end
  local base, prefix, tag = string.match(keys[1] or '', '^(([%w_.:-]+):{([^{}]*)}):m$')
  local name = tag and unescape(tag)
  if not name or keys[2] ~= base .. second or (keys[3] and not (third and keys[3] == base .. third)) then
    return nil, refusal('TGKEYS', 'the keys are not those of one channel')
  end
  local settings = installations[prefix]
  if not settings then
    return nil, refusal('TGPREFIX', 'no gateway has brought settings for the prefix ' .. prefix)
  end
  local refused = check_channel(name, settings)
  if refused then
    return nil, refused
  end
  local kept = history_of(settings, name)
  if not kept then
    return nil, refusal('TGNAMESPACE', 'no such namespace is configured')
  end
  return { base = base, name = name, settings = settings, history = kept }
end

-- Time, epochs, offsets --------------------------------------------------------------------------------------------

local function now()
  local time = redis.call('TIME')
  local seconds, micros = tonumber(time[1]), tonumber(time[2])
  if time[1] ~= replication_second then
    replication_second = time[1]
    replication = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  end
  return { ms = seconds * 1000 + math.floor(micros / 1000), us = seconds * 1000000 + micros }
end

-- math.random is seeded alike at each call, so it can't make an epoch.
local function new_epoch(channel, time)
  counter = counter + 1
  return string.sub(redis.sha1hex(table.concat({ replication, whole(time.us), channel.base, counter }, ' ')), 1, 12)
end

-- A server that came back without its last writes, or was promoted, has handed out offsets it no longer knows: then
-- the next one is past them all, as nobody publishes 2^20 in the window lost, nor a million a second for years.
local function next_offset(top, writer, time)
  if writer == replication then
    return top + 1
  end
  return math.max(top + JUMP, time.us) + 1
end

local function due(renewed, ttl, time)
  local age = time.ms - (tonumber(renewed) or 0)
  return age < 0 or age >= ttl * RENEW_AFTER  -- below zero: the server's clock was set back
end

-- Meta and cursors live equally long, so a device is known as long as offsets go on. The cursors' key is made here
-- from the meta's: it has the same hash tag, and a publisher by hand need not name it.
local function renew_meta(channel)
  local ttl = whole(channel.history.meta_ttl)
  redis.call('PEXPIRE', channel.base .. ':m', ttl)
  redis.call('PEXPIRE', channel.base .. ':c', ttl)
end

-- Fields of meta: e epoch, s top offset, r the replication id of the last writer, x when the stream's expiry was
-- renewed last, y when meta's was (ms), f the format.
local function create_meta(channel, time)
  local epoch = new_epoch(channel, time)
  redis.call('UNLINK', channel.base .. ':s')  -- a stale one would refuse smaller ids for ever
  redis.call('HSET', channel.base .. ':m', 'e', epoch, 's', '0', 'r', replication, 'f', FORMAT, 'y', whole(time.ms))
  renew_meta(channel)
  return epoch
end

-- tg1_publish ------------------------------------------------------------------------------------------------------

local function check_publication(channel, data, sender, id)
  if not data then
    return refusal('TGDATA', 'the data is missing')
  elseif #data > channel.settings.max_publication_size then
    return refusal('TGSIZE', 'data has at most ' .. whole(channel.settings.max_publication_size) .. ' bytes')
  elseif #id > MAX_NAME_BYTES or not is_name(id) then
    return refusal('TGID', 'an id has at most ' .. MAX_NAME_BYTES .. ' bytes of UTF-8 without control characters')
  elseif #sender > MAX_NAME_BYTES or not is_name(sender) then
    return refusal('TGID', 'a sender has at most ' .. MAX_NAME_BYTES .. ' bytes of UTF-8 without control characters')
  elseif not is_utf8(data) or not is_json(data) then
    return refusal('TGDATA', 'the data is not JSON in UTF-8')
  end
end

-- By pcall: a refused PUBLISH must not turn a stored publication into an error.
local function hint(channel, epoch, offset, body)
  redis.pcall('PUBLISH', channel.base, FORMAT .. '\n' .. epoch .. '\n' .. offset .. '\n' .. body)
end

local function body_of(prev, time, sender, id, data)
  return prev .. '\n' .. whole(time.ms) .. '\n' .. sender .. '\n' .. id .. '\n' .. data
end

-- Answers what the record says if it is of this epoch.
local function recorded(record, epoch)
  local text = record and redis.call('GET', record)
  local of, offset = string.match(text or '', '^(.*):(%d+)$')
  if of == epoch then
    return { epoch, tonumber(offset) }
  end
end

local function publish_unkept(channel, record, time, sender, id, data)
  local seen = recorded(record, '')
  if seen then
    return seen
  end
  if record then
    redis.call('SET', record, ':0', 'PX', RECORD_TTL)
  end
  hint(channel, '', '0', body_of('0', time, sender, id, data))
  return { '', 0 }
end

local function touch(channel, offset, meta, time)
  local kept, key = channel.history, channel.base .. ':m'
  local stream_due, meta_due = due(meta[4], kept.ttl, time), due(meta[5], kept.meta_ttl, time)
  if not (stream_due or meta_due or meta[3] ~= replication) then
    redis.call('HSET', key, 's', offset)
    return
  end
  local ms = whole(time.ms)
  redis.call('HSET', key, 's', offset, 'r', replication,
             'x', stream_due and ms or meta[4], 'y', meta_due and ms or meta[5])
  if stream_due then
    redis.call('PEXPIRE', channel.base .. ':s', whole(kept.ttl))
  end
  if meta_due then
    renew_meta(channel)
  end
end

local function publish_kept(channel, record, time, sender, id, data)
  local meta = redis.call('HMGET', channel.base .. ':m', 'e', 's', 'r', 'x', 'y')
  local seen = meta[1] and recorded(record, meta[1])
  if seen then
    return seen
  end
  if not meta[1] then
    meta = { create_meta(channel, time), '0', replication, false, whole(time.ms) }
  end
  local offset = next_offset(tonumber(meta[2]), meta[3], time)
  local written = whole(offset)
  local body = body_of(meta[2], time, sender, id, data)
  redis.call('XADD', channel.base .. ':s', 'MAXLEN', '=', channel.history.size, written .. '-0', FORMAT, body)
  touch(channel, written, meta, time)
  if record then
    redis.call('SET', record, meta[1] .. ':' .. written, 'PX', RECORD_TTL)
  end
  hint(channel, meta[1], written, body)
  return { meta[1], offset }
end

local function publish(keys, args)
  local data, sender, id = args[1], args[2] or '', args[3] or ''
  local record = id ~= '' and ':i:' .. #sender .. ':' .. sender .. ':' .. id
  local channel, refused = channel_of(keys, ':s', record)
  if channel and record and not keys[3] then
    refused = refusal('TGKEYS', 'an id needs its record as third key')
  end
  refused = refused or check_publication(channel, data, sender, id)
  if refused then
    return refused
  end
  local write = channel.history.size > 0 and publish_kept or publish_unkept
  return write(channel, record and keys[3], now(), sender, id, data)
end

-- tg1_read ---------------------------------------------------------------------------------------------------------

local function entries_after(stream, after, limit, max_bytes)
  local answer, bytes = {}, 0
  while limit > 0 do
    local chunk = redis.call('XRANGE', stream, '(' .. after .. '-0', '+', 'COUNT', math.min(CHUNK, limit))
    for _, entry in ipairs(chunk) do
      local id, format, body = entry[1], entry[2][1], entry[2][2]
      bytes = bytes + #body
      if bytes > max_bytes and #answer > 0 then
        return answer
      end
      table.insert(answer, id)
      table.insert(answer, format)
      table.insert(answer, body)
      after = string.match(id, '^%d+')
    end
    limit = #chunk < CHUNK and 0 or limit - CHUNK
  end
  return answer
end

local function read(keys, args)
  local channel, refused = channel_of(keys, ':s')
  local after, limit, max_bytes = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
  if channel and not (after and after >= 0 and limit and max_bytes) then
    refused = refusal('TGARGUMENT', 'wanted: after, limit, max bytes')
  end
  if refused then
    return refused
  end
  local meta = redis.call('HMGET', channel.base .. ':m', 'e', 's')
  if not meta[1] or channel.history.size == 0 then
    return { '', 0, {} }
  end
  local entries = entries_after(channel.base .. ':s', whole(after), math.min(limit, MAX_LIMIT), max_bytes)
  return { meta[1], tonumber(meta[2]), entries }
end

-- Cursors ----------------------------------------------------------------------------------------------------------

local function check_device(device)
  if #device > 64 or string.find(device, '[^%w._-]') then
    return refusal('TGDEVICE', 'a device is 1 to 64 of A-Z a-z 0-9 . _ -')
  end
end

local function parse_cursor(text)
  local epoch, offset, used = string.match(text or '', '^(.*):(%d+):(%d+)$')
  return epoch, offset, used
end

local function forget_longest_unused(key, max_devices)
  local devices = redis.call('HGETALL', key)
  local oldest
  for index = 1, #devices, 2 do
    local _, _, used = parse_cursor(devices[index + 1])
    used = tonumber(used) or 0
    if not oldest or used < oldest.used then
      oldest = { used = used, device = devices[index] }
    end
  end
  redis.call('HDEL', key, oldest.device)
end

local function keep_cursor(channel, device, epoch, offset, time, is_new)
  local key = channel.base .. ':c'
  if is_new then
    while redis.call('HLEN', key) >= channel.settings.max_devices do
      forget_longest_unused(key)
    end
  end
  redis.call('HSET', key, device, epoch .. ':' .. offset .. ':' .. whole(time.ms))
  if is_new then
    redis.call('PEXPIRE', key, whole(channel.history.meta_ttl))
  end
end

-- The place before all that is kept.
local function start_of(channel, top)
  local first = redis.call('XRANGE', channel.base .. ':s', '-', '+', 'COUNT', 1)[1]
  if not first then
    return top
  end
  return string.match(first[2][2], '^(%d+)\n') or '0'
end

local function first_cursor(channel, epoch, top, since_epoch, since_offset)
  if not since_offset then
    return top
  elseif since_epoch ~= epoch then
    return start_of(channel, top)
  end
  return whole(math.min(since_offset, tonumber(top)))
end

local function attach_device(channel, epoch, top, time, args)
  local device = args[1]
  local cursor_epoch, cursor_offset = parse_cursor(redis.call('HGET', channel.base .. ':c', device))
  local is_new = not cursor_epoch
  if is_new then
    cursor_epoch, cursor_offset = epoch, first_cursor(channel, epoch, top, args[2], tonumber(args[3]))
  end
  keep_cursor(channel, device, cursor_epoch, cursor_offset, time, is_new)
  return { epoch, tonumber(top), cursor_epoch, tonumber(cursor_offset) }
end

local function attach(keys, args)
  local device = args[1] or ''
  local channel, refused = channel_of(keys, ':s', ':c')
  if channel and device ~= '' and not keys[3] then
    refused = refusal('TGKEYS', 'a device needs the cursors as third key')
  end
  refused = refused or check_device(device)
  if refused then
    return refused
  end
  if channel.history.size == 0 then
    return { '', 0, '', 0 }
  end
  local time = now()
  local meta = redis.call('HMGET', channel.base .. ':m', 'e', 's', 'y')
  local epoch, top = meta[1], meta[2]
  if not epoch then
    epoch, top = create_meta(channel, time), '0'
  elseif due(meta[3], channel.history.meta_ttl, time) then
    redis.call('HSET', channel.base .. ':m', 'y', whole(time.ms))
    renew_meta(channel)
  end
  if device == '' then
    return { epoch, tonumber(top), '', 0 }
  end
  return attach_device(channel, epoch, top, time, args)
end

local function ack(keys, args)
  local channel, refused = channel_of(keys, ':c')
  local device, epoch, offset = args[1] or '', args[2], tonumber(args[3])
  if channel and (device == '' or not epoch or not offset or offset < 0) then
    refused = refusal('TGARGUMENT', 'wanted: device, epoch, offset')
  end
  refused = refused or check_device(device)
  if refused then
    return refused
  end
  local meta = redis.call('HMGET', channel.base .. ':m', 'e', 'y')
  if not meta[1] or meta[1] ~= epoch then
    return 0
  end
  local stored_epoch, stored_offset = parse_cursor(redis.call('HGET', keys[2], device))
  if stored_epoch == epoch and tonumber(stored_offset) >= offset then
    return 0
  end
  local time = now()
  keep_cursor(channel, device, epoch, whole(offset), time, not stored_epoch)
  if due(meta[2], channel.history.meta_ttl, time) then
    redis.call('HSET', channel.base .. ':m', 'y', whole(time.ms))
    renew_meta(channel)
  end
  return 1
end

local function library()
  return { REVISION, SETTINGS }
end

redis.register_function('tg1_publish', publish)
redis.register_function { function_name = 'tg1_read', callback = read, flags = { 'no-writes' } }
redis.register_function('tg1_attach', attach)
redis.register_function('tg1_ack', ack)
redis.register_function { function_name = 'tg1_library', callback = library, flags = { 'no-writes' } }
