-- Marks are small facts with an expiry, for every node to read: one hash of name to `<expiry, Unix ms>:<value>`.

local MAX_MARK_BYTES = 512  -- of a name, and of a value
local LOOKED_AT = 10        -- marks that one call looks at, to drop what has expired: more than it adds

local function parse_mark(text)
  local expiry, value = string.match(text, '^(%d+):(.*)$')
  return tonumber(expiry) or 0, value
end

local function check_marks_key(keys)
  if not string.find(keys[1] or '', '^[%w_.:-]+:marks$') or keys[2] then
    return refusal('TGKEYS', 'the one key is not <prefix>:marks')
  end
end

local function check_mark(name, value, ttl)
  if not (name and value and is_ttl(ttl)) then
    return refusal('TGARGUMENT', 'wanted: name, value, ttl (ms)')
  elseif name == '' or #name > MAX_MARK_BYTES or #value > MAX_MARK_BYTES or not is_name(name) then
    return refusal('TGARGUMENT', 'a mark has a name of 1 to 512 bytes of UTF-8 without control characters, and a value of 512')
  end
end

local function drop_expired_marks(key, ms)
  local some = redis.call('HRANDFIELD', key, LOOKED_AT, 'WITHVALUES')
  for index = 1, #some, 2 do
    if parse_mark(some[index + 1]) <= ms then
      redis.call('HDEL', key, some[index])
    end
  end
end

local function put_mark(keys, args)
  local key, name, value, ttl = keys[1], args[1], args[2], tonumber(args[3])
  local refused = check_marks_key(keys) or check_mark(name, value, ttl)
  if refused then
    return refused
  end
  local ms = now()
  drop_expired_marks(key, ms)
  if ttl == 0 then
    redis.call('HDEL', key, name)
    return 1
  end
  redis.call('HSET', key, name, whole(ms + ttl) .. ':' .. value)
  expire_no_sooner(key, ttl)
  return 1
end

local function marks(keys, _args)
  local refused = check_marks_key(keys)
  if refused then
    return refused
  end
  local ms, answer = now(), {}
  local all = redis.call('HGETALL', keys[1])
  for index = 1, #all, 2 do
    local expiry, value = parse_mark(all[index + 1])
    if expiry > ms then
      table.insert(answer, all[index])
      table.insert(answer, value)
    end
  end
  return answer
end

redis.register_function('tg1_mark', put_mark)
redis.register_function { function_name = 'tg1_marks', callback = marks, flags = { 'no-writes' } }
