-- A version numbers the state that a publication carries: an older one must not follow a newer one.

local MAX_VERSION = 9007199254740991  -- 2^53-1, which Lua's numbers hold exactly

local function is_version(text)
  local number = string.find(text, '^%d+$') and tonumber(text)
  return number and number >= 1 and number <= MAX_VERSION
end

-- Versions of different epochs are not compared; an empty epoch is compared with all.
local function is_outdated(channel, more)
  local stored = redis.call('HMGET', channel.meta, 'v', 'w')
  local number, epoch = tonumber(stored[1] or nil), stored[2] or ''
  if not number or (epoch ~= '' and more.version_epoch ~= '' and epoch ~= more.version_epoch) then
    return false
  end
  return more.version <= number
end

local function keep_version(channel, more)
  redis.call('HSET', channel.meta, 'v', whole(more.version), 'w', more.version_epoch)
end
