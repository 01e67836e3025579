-- The store's contract as functions: everything that must happen at one moment happens here.
--
-- library.py joins these files, this one first, and puts three things before them: the shebang, REVISION,
-- and SETTINGS (JSON: for each key prefix its namespaces and limits). Every language calls the same
-- functions, with FCALL:
--
--   tg1_publish     keys m, s [, i]   args data [, sender [, id [, info [, tags [, skip history [, version [, version epoch]]]]]]]
--                                                                                  answers [epoch, offset]
--   tg1_read        keys m, s         args after, limit, max bytes                 answers [epoch, top, [id, format, value, …]]
--   tg1_read_back   keys m, s         args before, limit, max bytes                answers the same, newest first
--   tg1_remove      keys m, s         no args                                      answers 1 if there was a history, else 0
--   tg1_attach      keys m, s [, c]   args [device [, since epoch, since offset]]  answers [epoch, top, cursor epoch, cursor offset]
--   tg1_ack         keys m, c         args device, epoch, offset                   answers 1 if the cursor moved, else 0
--   tg1_join        keys p, pe, pu    args client, user, info, told, ttl, limit    answers 1, or 0 where too many are there
--   tg1_renew       keys p, pe, pu    args ttl, client, …                          answers [client that is not there, …]
--   tg1_leave       keys p, pe, pu    args client, …                               answers how many were there
--   tg1_presence    keys p, pe, pu    no args                                      answers [client, value, …]
--   tg1_presence_statistics  keys p, pe, pu  no args                               answers [clients, users]
--   tg1_mark        key marks         args name, value, ttl                        answers 1
--   tg1_marks       key marks         no args                                      answers [name, value, …]
--   tg1_library     no keys           no args                                      answers [revision, settings]
--
-- A ttl is milliseconds. What keys hold stands in keys.py.
--
-- An error reply's first word names what was wrong (refusals.py has the table), and nothing happened then.
-- Lua writes 1.79e+15 where a number becomes text by itself: offsets are written with %.0f, always.

local NO_HISTORY = { size = 0, ttl = 0, meta_ttl = 0 }
local CONTROL_HISTORY = { size = 10000, ttl = 300000, meta_ttl = 600000 }

local decode         -- strict JSON, made at the first call: cjson is not there while a library loads
local installations  -- prefix -> { inbox, plain, named, limits }

local function whole(number)
  return string.format('%.0f', number)
end

local function refusal(word, reason)
  return redis.error_reply(word .. ' ' .. reason)
end

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
    provisional = settings.provisional,
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

local function is_reserved(name)
  return string.sub(name, 1, 2) == '$:'
end

-- `#` makes an inbox before any `:` is looked at; `$:` is the gateway's own. Behind any other `$` stands the name of a
-- private channel, but nodes of release 0.1 probe at `$node:`, which must work while they are still there.
local function history_of(settings, name)
  if string.sub(name, 1, 1) == '#' then
    return settings.inbox
  elseif is_reserved(name) then
    return name == '$:control' and CONTROL_HISTORY or NO_HISTORY
  end
  local namespace = string.match(name, '^%$?([^:]*):')
  if not namespace then
    return settings.plain
  end
  return settings.named[namespace] or string.find(name, '^%$node:') and NO_HISTORY or nil
end
