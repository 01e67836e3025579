-- Keys belong to one channel, and tell everything about it; what was worked out once is kept for a while.

local MAX_REMEMBERED = 10000  -- channels; some 5 MB of the server's memory
local MAX_RESERVED_BYTES = 255  -- of the gateway's own names, whatever the operator's bound

local UNESCAPED = { ['%25'] = '%', ['%7B'] = '{', ['%7D'] = '}' }
local ESCAPED = { ['%'] = '%25', ['{'] = '%7B', ['}'] = '%7D' }

local remembered, remembered_count = {}, 0

-- Only the spelling of keys.py: with a second one, two sets of keys would be one channel by name.
local function unescape(tag)
  if not string.find(tag, '%', 1, true) then
    return tag
  end
  local name = string.gsub(tag, '%%%w%w', UNESCAPED)
  local spelling = string.gsub(name, '[%%{}]', ESCAPED)
  return spelling == tag and name or nil
end

local function check_channel(name, settings)
  if name == '' or not is_name(name) then
    return refusal('TGCHANNEL', 'a channel name is not empty and holds UTF-8 without control characters')
  end
  local longest = settings.max_channel_length
  if is_reserved(name) then
    longest = math.max(longest, MAX_RESERVED_BYTES)
  end
  if #name > longest then
    return refusal('TGCHANNEL', 'a channel name has at most ' .. whole(longest) .. ' bytes')
  end
end

local function work_out(meta_key)
  if not decode then
    prepare()
  end
  local base, prefix, tag = string.match(meta_key, '^(([%w_.:-]+):{([^{}]*)}):m$')
  local name = tag and unescape(tag)
  if not name then
    return nil, refusal('TGKEYS', 'the first key is not <prefix>:{<channel>}:m')
  end
  local settings = installations[prefix]
  if not settings then
    return nil, refusal('TGPREFIX', 'no gateway has brought settings for the prefix ' .. prefix)
  end
  local refused = check_channel(name, settings)
  if refused then
    return nil, refused
  end
  local kept = history_of(settings, name)
  if not kept and settings.provisional then
    return nil, refusal('TGNAMESPACE', 'guessed settings of a back end have no such namespace')  -- a node brings its own
  elseif not kept then
    return nil, refusal('TGNAMESPACE', "no namespace '" .. string.match(name, '^%$?([^:]*)') .. "' is configured")
  end
  return {
    inbox = string.sub(name, 1, 1) == '#', meta = meta_key, stream = base .. ':s', cursors = base .. ':c', records = base .. ':i:', hints = base,
    members = base .. ':p', expiries = base .. ':pe', users = base .. ':pu',
    -- What nodes tell each other is bounded by what they tell of, whatever the limit for applications.
    max_publication_size = is_reserved(name) and math.huge or settings.max_publication_size,
    settings = settings, history = kept, trim_every = math.max(1, math.min(16, math.floor(kept.size / 8))),
  }
end

-- Answers the channel whose meta the first key is, or nil and the refusal.
local function channel_of(keys)
  local meta_key = keys[1] or ''
  local channel = remembered[meta_key]
  if channel then
    return channel
  end
  local worked_out, refused = work_out(meta_key)
  if refused then
    return nil, refused
  end
  if remembered_count >= MAX_REMEMBERED then
    remembered, remembered_count = {}, 0
  end
  remembered[meta_key], remembered_count = worked_out, remembered_count + 1
  return worked_out
end

local function refuse_keys()
  return refusal('TGKEYS', 'the keys are not those of one channel, or not all that are needed')
end
