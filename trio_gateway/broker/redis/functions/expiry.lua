-- A time to live is milliseconds from the server's own clock on.

local MAX_TTL = 315360000000  -- ten years, far from what PEXPIRE refuses

local function is_ttl(number)
  return number and number >= 0 and number <= MAX_TTL
end

-- Lets a key live for `ttl` at least: what it holds may be there for longer already.
local function expire_no_sooner(key, ttl)
  if redis.call('PTTL', key) < ttl then
    redis.call('PEXPIRE', key, whole(ttl))
  end
end
