-- tg1_remove: what is kept goes; epoch and top stay, so that offsets go on.

local function remove(keys, _args)
  local channel, refused = channel_of(keys)
  if refused then
    return refused
  elseif keys[2] ~= channel.stream or keys[3] then
    return refuse_keys()
  end
  redis.call('HDEL', channel.meta, 'x')  -- the next stream is another one, and has no expiry yet
  return redis.call('UNLINK', channel.stream)
end

redis.register_function('tg1_remove', remove)
