-- tg1_read and tg1_read_back: epoch, top and entries at one moment, bounded in number and bytes; they create nothing.

local MAX_LIMIT = 10000  -- publications of one read
local CHUNK = 16         -- entries fetched at once, so that a read of large ones stays near its bound in bytes

local function chunk_after(stream, offset, count)
  return redis.call('XRANGE', stream, '(' .. offset .. '-0', '+', 'COUNT', count)
end

local function chunk_before(stream, offset, count)
  return redis.call('XREVRANGE', stream, offset == '0' and '+' or '(' .. offset .. '-0', '-', 'COUNT', count)
end

-- `next_chunk` answers the entries that come next behind an offset, in the direction of the read.
local function entries_from(stream, offset, limit, max_bytes, next_chunk)
  local answer, bytes = {}, 0
  while limit > 0 do
    local chunk = next_chunk(stream, offset, math.min(CHUNK, limit))
    for _, entry in ipairs(chunk) do
      local id, format, value = entry[1], entry[2][1], entry[2][2]
      bytes = bytes + #value
      if bytes > max_bytes and #answer > 0 then
        return answer
      end
      table.insert(answer, id)
      table.insert(answer, format)
      table.insert(answer, value)
      offset = string.match(id, '^%d+')
    end
    limit = #chunk < CHUNK and 0 or limit - CHUNK
  end
  return answer
end

local function read_from(keys, args, next_chunk)
  local offset, limit, max_bytes = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
  local channel, refused = channel_of(keys)
  if refused then
    return refused
  elseif keys[2] ~= channel.stream or keys[3] then
    return refuse_keys()
  elseif not (offset and offset >= 0 and limit and max_bytes) then
    return refusal('TGARGUMENT', 'wanted: an offset, limit, max bytes')
  end
  local meta = redis.call('HMGET', channel.meta, 'e', 's')
  if not meta[1] or channel.history.size == 0 then
    return { '', 0, {} }
  elseif next_chunk == chunk_after and tonumber(meta[2]) <= offset then
    return { meta[1], tonumber(meta[2]), {} }
  end
  local entries = entries_from(channel.stream, whole(offset), math.min(limit, MAX_LIMIT), max_bytes, next_chunk)
  return { meta[1], tonumber(meta[2]), entries }
end

local function read(keys, args)
  return read_from(keys, args, chunk_after)
end

local function read_back(keys, args)
  return read_from(keys, args, chunk_before)
end

redis.register_function { function_name = 'tg1_read', callback = read, flags = { 'no-writes' } }
redis.register_function { function_name = 'tg1_read_back', callback = read_back, flags = { 'no-writes' } }
