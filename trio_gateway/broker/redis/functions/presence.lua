-- Presence is who is in a channel: a hash of client to member, a sorted set of client to expiry (ms), and a hash of user
-- to the number of clients, so that counting reads no member. A member is `<told>:<bytes of user>:<user><info>`.
--
-- Every function first removes members whose time ran out. A removal is told by whoever makes it, and a member can be
-- removed once only: so each coming and each going is told once, whichever nodes are asked.

local MAX_INFO_BYTES = 65536
local SWEPT_AT_ONCE = 500  -- members; some 2 ms of the server's time
local LINGER = 60000       -- ms that the keys outlive their last member, so that who comes next can tell of its going

local function presence_of(keys)
  local base = string.match(keys[1] or '', '^(.*):p$')
  if not base then
    return nil, refusal('TGKEYS', 'the first key is not <prefix>:{<channel>}:p')
  end
  local channel, refused = channel_of({ base .. ':m' })
  if refused then
    return nil, refused
  elseif keys[2] ~= channel.expiries or keys[3] ~= channel.users or keys[4] then
    return nil, refuse_keys()
  end
  return channel
end

local function parse_member(text)
  local told, length, rest = string.match(text or '', '^([01]):(%d+):(.*)$')
  if told then
    return told == '1', string.sub(rest, 1, length), string.sub(rest, length + 1)
  end
end

-- By pcall, as in publish. A hint of another format than a publication's: who does not know it reads the stream.
local function tell_passage(channel, word, info)
  redis.pcall('PUBLISH', channel.hints, '[2,"' .. word .. '"]\n' .. info)
end

local function forget_user(channel, user)
  if redis.call('HINCRBY', channel.users, user, -1) <= 0 then
    redis.call('HDEL', channel.users, user)
  end
end

-- Answers 1 if the member was there.
local function remove_member(channel, client)
  local told, user, info = parse_member(redis.call('HGET', channel.members, client) or nil)
  redis.call('HDEL', channel.members, client)
  redis.call('ZREM', channel.expiries, client)
  if user then
    forget_user(channel, user)
  end
  if told then
    tell_passage(channel, 'leave', info)
  end
  return user and 1 or 0
end

-- Answers the time in ms.
local function sweep(channel)
  local ms = now()
  local overdue = redis.call('ZRANGEBYSCORE', channel.expiries, '-inf', whole(ms), 'LIMIT', 0, SWEPT_AT_ONCE)
  for _, client in ipairs(overdue) do
    remove_member(channel, client)
  end
  return ms
end

local function is_there(channel, client, ms)
  local expiry = redis.call('ZSCORE', channel.expiries, client)
  return expiry and tonumber(expiry) > ms
end

local function count_members(channel, ms)
  return redis.call('ZCOUNT', channel.expiries, '(' .. whole(ms), '+inf')
end

local function renew_member(channel, client, ms, ttl)
  redis.call('ZADD', channel.expiries, whole(ms + ttl), client)
end

local function renew_presence(channel, ttl)
  expire_no_sooner(channel.members, ttl + LINGER)
  expire_no_sooner(channel.expiries, ttl + LINGER)
  expire_no_sooner(channel.users, ttl + LINGER)
end

local function check_member(client, user, info, told, ttl, limit)
  if not (told == '0' or told == '1') or not is_ttl(ttl) or ttl == 0 or not limit or limit < 0 then
    return refusal('TGARGUMENT', 'wanted: client, user, info, told (0 or 1), ttl (ms), limit')
  elseif client == '' then
    return refusal('TGID', 'a client has a name')
  elseif #info > MAX_INFO_BYTES then
    return refusal('TGSIZE', 'the info of a member has at most 65536 bytes')
  end
  local refused = check_name('a client', client) or check_name('a user', user)
  if not refused and not is_json_object(info) then
    return refusal('TGDATA', 'the info is not a JSON object in UTF-8')
  end
  return refused
end

local function put_member(channel, client, user, text)
  local present = redis.call('HGET', channel.members, client)
  if present == text then
    return
  elseif present then
    local _, user_before = parse_member(present)
    forget_user(channel, user_before or user)
  end
  redis.call('HSET', channel.members, client, text)
  redis.call('HINCRBY', channel.users, user, 1)
end

local function join(keys, args)
  local client, user, info, told = args[1] or '', args[2] or '', args[3] or '', args[4]
  local ttl, limit = tonumber(args[5]), tonumber(args[6])
  local channel, refused = presence_of(keys)
  refused = refused or check_member(client, user, info, told, ttl, limit)
  if refused then
    return refused
  end
  local ms = sweep(channel)
  local was_there = is_there(channel, client, ms)
  if limit > 0 and count_members(channel, ms) - (was_there and 1 or 0) >= limit then
    return 0
  elseif not was_there then
    remove_member(channel, client)  -- it may be overdue and not swept yet
  end
  put_member(channel, client, user, told .. ':' .. #user .. ':' .. user .. info)
  renew_member(channel, client, ms, ttl)
  renew_presence(channel, ttl)
  if told == '1' and not was_there then
    tell_passage(channel, 'join', info)
  end
  return 1
end

local function renew(keys, args)
  local ttl = tonumber(args[1])
  local channel, refused = presence_of(keys)
  if refused then
    return refused
  elseif not is_ttl(ttl) or ttl == 0 then
    return refusal('TGARGUMENT', 'wanted: ttl (ms), client, …')
  end
  local ms, missing = sweep(channel), {}
  for index = 2, #args do
    if is_there(channel, args[index], ms) then
      renew_member(channel, args[index], ms, ttl)
    else
      table.insert(missing, args[index])
    end
  end
  renew_presence(channel, ttl)
  return missing
end

local function leave(keys, args)
  local channel, refused = presence_of(keys)
  if refused then
    return refused
  end
  local count = 0
  sweep(channel)
  for _, client in ipairs(args) do
    count = count + remove_member(channel, client)
  end
  return count
end

local function presence(keys, _args)
  local channel, refused = presence_of(keys)
  if refused then
    return refused
  end
  local overdue, answer = {}, {}
  for _, client in ipairs(redis.call('ZRANGEBYSCORE', channel.expiries, '-inf', whole(sweep(channel)))) do
    overdue[client] = true
  end
  local members = redis.call('HGETALL', channel.members)
  for index = 1, #members, 2 do
    if not overdue[members[index]] then
      table.insert(answer, members[index])
      table.insert(answer, members[index + 1])
    end
  end
  return answer
end

-- While more are overdue than one call removes, their users are still counted.
local function presence_statistics(keys, _args)
  local channel, refused = presence_of(keys)
  if refused then
    return refused
  end
  local clients = count_members(channel, sweep(channel))
  return { clients, math.min(clients, redis.call('HLEN', channel.users)) }
end

redis.register_function('tg1_join', join)
redis.register_function('tg1_renew', renew)
redis.register_function('tg1_leave', leave)
redis.register_function('tg1_presence', presence)
redis.register_function('tg1_presence_statistics', presence_statistics)
