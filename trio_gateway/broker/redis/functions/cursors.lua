-- tg1_attach makes the epoch and the device's cursor, tg1_ack moves the cursor: in the channel's own epoch, never back.
-- A cursor is epoch, offset and when it was used last (ms), joined by colons.

local function check_device(device)
  if #device > 64 or string.find(device, '[^%w._-]') then
    return refusal('TGDEVICE', 'a device is 1 to 64 of A-Z a-z 0-9 . _ -')
  end
end

local function parse_cursor(text)
  return string.match(text or '', '^(.*):(%d+):(%d+)$')
end

local function forget_longest_unused(key)
  local devices = redis.call('HGETALL', key)
  local longest, oldest
  for index = 1, #devices, 2 do
    local _, _, used = parse_cursor(devices[index + 1])
    used = tonumber(used) or 0
    if not oldest or used < oldest then
      longest, oldest = devices[index], used
    end
  end
  redis.call('HDEL', key, longest)
end

local function keep_cursor(channel, device, epoch, offset, ms, is_new)
  if is_new then
    while redis.call('HLEN', channel.cursors) >= channel.settings.max_devices do
      forget_longest_unused(channel.cursors)
    end
  end
  redis.call('HSET', channel.cursors, device, epoch .. ':' .. offset .. ':' .. whole(ms))
  if is_new then
    redis.call('PEXPIRE', channel.cursors, whole(channel.history.meta_ttl))
  end
end

-- The place before all that is kept.
local function start_of(channel, top)
  local first = redis.call('XRANGE', channel.stream, '-', '+', 'COUNT', 1)[1]
  if not first then
    return top
  end
  return string.match(first[2][2], '^%[(%d+),') or '0'
end

local function first_cursor(channel, epoch, top, since_epoch, since_offset)
  if not since_offset then
    return top
  elseif since_epoch ~= epoch then
    return start_of(channel, top)
  end
  return whole(math.min(since_offset, tonumber(top)))
end

local function attach_device(channel, epoch, top, ms, args)
  local device = args[1]
  local cursor_epoch, cursor_offset = parse_cursor(redis.call('HGET', channel.cursors, device))
  local is_new = not cursor_epoch
  if is_new then
    cursor_epoch, cursor_offset = epoch, first_cursor(channel, epoch, top, args[2], tonumber(args[3]))
  end
  keep_cursor(channel, device, cursor_epoch, cursor_offset, ms, is_new)
  return { epoch, tonumber(top), cursor_epoch, tonumber(cursor_offset) }
end

local function attach_channel(channel, args)
  local ms, us = now()
  local meta = redis.call('HMGET', channel.meta, 'e', 's', 'y')
  local epoch, top, renewed = meta[1], meta[2], meta[3]
  local has_device = args[1] and args[1] ~= ''
  if not epoch then
    epoch, top, renewed = create_meta(channel, ms, us), '0', channel.inbox and whole(ms) or '0'
  end
  if renewed == '0' and not has_device then
    renew_unused(channel)
  else
    renew_meta_if_due(channel, renewed, ms)
  end
  if not has_device then
    return { epoch, tonumber(top), '', 0 }
  end
  return attach_device(channel, epoch, top, ms, args)
end

local function attach(keys, args)
  local device = args[1] or ''
  local channel, refused = channel_of(keys)
  refused = refused or check_device(device)
  if refused then
    return refused
  elseif keys[2] ~= channel.stream or (keys[3] or device ~= '') and keys[3] ~= channel.cursors then
    return refuse_keys()
  elseif channel.history.size == 0 then
    return { '', 0, '', 0 }
  end
  return attach_channel(channel, args)
end

local function move_cursor(channel, device, epoch, offset)
  local meta = redis.call('HMGET', channel.meta, 'e', 'y')
  if meta[1] ~= epoch then
    return 0
  end
  local stored_epoch, stored_offset = parse_cursor(redis.call('HGET', channel.cursors, device))
  if stored_epoch == epoch and tonumber(stored_offset) >= offset then
    return 0
  end
  local ms = now()
  keep_cursor(channel, device, epoch, whole(offset), ms, not stored_epoch)
  renew_meta_if_due(channel, meta[2], ms)
  return 1
end

local function ack(keys, args)
  local device, epoch, offset = args[1] or '', args[2], tonumber(args[3])
  local channel, refused = channel_of(keys)
  refused = refused or check_device(device)
  if refused then
    return refused
  elseif keys[2] ~= channel.cursors then
    return refuse_keys()
  elseif device == '' or not epoch or not offset or offset < 0 then
    return refusal('TGARGUMENT', 'wanted: device, epoch, offset')
  end
  return move_cursor(channel, device, epoch, offset)
end

redis.register_function('tg1_attach', attach)
redis.register_function('tg1_ack', ack)
