-- tg1_read: epoch, top and entries at one moment, bounded in number and bytes; creates nothing.

local MAX_LIMIT = 10000  -- publications of one read
local CHUNK = 16         -- entries fetched at once, so that a read of large ones stays near its bound in bytes

local function entries_after(stream, after, limit, max_bytes)
  local answer, bytes = {}, 0
  while limit > 0 do
    local chunk = redis.call('XRANGE', stream, '(' .. after .. '-0', '+', 'COUNT', math.min(CHUNK, limit))
    for _, entry in ipairs(chunk) do
      local id, format, value = entry[1], entry[2][1], entry[2][2]
      bytes = bytes + #value
      if bytes > max_bytes and #answer > 0 then
        return answer
      end
      table.insert(answer, id)
      table.insert(answer, format)
      table.insert(answer, value)
      after = string.match(id, '^%d+')
    end
    limit = #chunk < CHUNK and 0 or limit - CHUNK
  end
  return answer
end

local function read(keys, args)
  local after, limit, max_bytes = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
  local channel, refused = channel_of(keys)
  if refused then
    return refused
  elseif keys[2] ~= channel.stream or keys[3] then
    return refuse_keys()
  elseif not (after and after >= 0 and limit and max_bytes) then
    return refusal('TGARGUMENT', 'wanted: after, limit, max bytes')
  end
  local meta = redis.call('HMGET', channel.meta, 'e', 's')
  if not meta[1] or channel.history.size == 0 then
    return { '', 0, {} }
  elseif tonumber(meta[2]) <= after then
    return { meta[1], tonumber(meta[2]), {} }
  end
  return { meta[1], tonumber(meta[2]), entries_after(channel.stream, whole(after), math.min(limit, MAX_LIMIT), max_bytes) }
end

redis.register_function { function_name = 'tg1_read', callback = read, flags = { 'no-writes' } }
