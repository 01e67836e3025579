-- Meta is a channel's epoch and top, and what offsets depend on.
--
-- Fields: e epoch, s top offset, r the replication id of the last writer, f the format, v and w the number and the epoch
-- of the last version, and when expiries were renewed last (ms): x the stream's, y those of meta and cursors.

local FORMAT = '1'          -- of stream entries and hints; a reader that does not know it reads the stream
local JUMP = 1048576        -- 2^20, see next_offset
local UNUSED_TTL = 600000   -- ms that a channel is remembered in which nothing was ever published
local RENEW_AFTER = 0.1     -- a time to live is renewed when less than 90 % of it remains

local replication, replication_second
local counter = 0

-- Answers milliseconds and microseconds; reads the replication id once a second.
local function now()
  local time = redis.call('TIME')
  local seconds, micros = time[1], time[2]
  if seconds ~= replication_second then
    replication_second = seconds
    replication = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  end
  return seconds * 1000 + math.floor(micros / 1000), seconds * 1000000 + micros
end

-- math.random is seeded alike at each call, so it can't make an epoch.
local function new_epoch(channel, us)
  counter = counter + 1
  return string.sub(redis.sha1hex(table.concat({ replication, whole(us), channel.meta, counter }, ' ')), 1, 12)
end

-- A server that came back without its last writes, or was promoted, has handed out offsets that it no longer knows.
-- The next one is past them all: nobody publishes 2^20 in what can be lost, nor a million a second for years.
local function next_offset(top, writer, us)
  if writer == replication then
    return top + 1
  end
  return math.max(top + JUMP, us) + 1
end

local function due(renewed, ttl, ms)
  local age = ms - (tonumber(renewed) or 0)
  return age < 0 or age >= ttl * RENEW_AFTER  -- below zero: the server's clock was set back
end

-- Meta and cursors live equally long, so a device is known as long as offsets go on. A publisher does not declare the
-- cursors' key; it has the same hash tag, so it is on the same server.
local function renew_meta(channel)
  local ttl = whole(channel.history.meta_ttl)
  redis.call('PEXPIRE', channel.meta, ttl)
  redis.call('PEXPIRE', channel.cursors, ttl)
end

local function renew_meta_if_due(channel, renewed, ms)
  if due(renewed, channel.history.meta_ttl, ms) then
    redis.call('HSET', channel.meta, 'y', whole(ms))
    renew_meta(channel)
  end
end

local function create_meta(channel, ms, us)
  local epoch = new_epoch(channel, us)
  redis.call('UNLINK', channel.stream)  -- a stale one would refuse smaller ids for ever
  redis.call('HSET', channel.meta, 'e', epoch, 's', '0', 'r', replication, 'f', FORMAT, 'y', whole(ms))
  renew_meta(channel)
  return epoch
end

-- A channel, no inbox, in which nothing was published yet: whoever may subscribe can invent any number of them, so it is
-- remembered for a short while after it was last asked for. `y` at 0 tells it from others.
local function renew_unused(channel)
  redis.call('HSET', channel.meta, 'y', '0')
  redis.call('PEXPIRE', channel.meta, whole(math.min(UNUSED_TTL, channel.history.meta_ttl)))
end
