-- What is text, and what is JSON. Both are judged by looking for what is wrong; plain ASCII is judged by one look.

local UTF8_SEQUENCES = {  -- RFC 3629 §4: no overlong forms, no surrogates, nothing above U+10FFFF
  '[\194-\223][\128-\191]',
  '[\225-\236\238\239][\128-\191][\128-\191]',
  '\224[\160-\191][\128-\191]',
  '\237[\128-\159][\128-\191]',
  '\240[\144-\191][\128-\191][\128-\191]',
  '[\241-\243][\128-\191][\128-\191][\128-\191]',
  '\244[\128-\143][\128-\191][\128-\191]',
}

-- Replaced, not removed: what stood around a removed sequence could join to a new one.
local function is_utf8(text)
  for _, sequence in ipairs(UTF8_SEQUENCES) do
    if not string.find(text, '[\128-\255]') then
      return true
    end
    text = string.gsub(text, sequence, '?')
  end
  return not string.find(text, '[\128-\255]')
end

-- UTF-8 without control characters: C0, DEL, and C1 as UTF-8 has it.
local function is_name(text)
  return not string.find(text, '[%z\1-\31\127-\255]')
    or (is_utf8(text) and not string.find(text, '[%z\1-\31\127]') and not string.find(text, '\194[\128-\159]'))
end

-- What cjson lets through although RFC 8259 does not: raw control characters in strings, `1.` and `-.5`.
local function has_loose_json(data)
  local bare = string.gsub(data, '\\.', '')
  for text in string.gmatch(bare, '"([^"]*)"') do
    if string.find(text, '[%z\1-\31]') then
      return true
    end
  end
  local rest = string.gsub(bare, '"[^"]*"', '""') .. ' '
  return string.find(rest, '%.%D') or string.find(rest, '%D%.') or string.find(rest, '[%z\1-\8\11\12\14-\31]')
end

-- Most data is plain ASCII without layout, and without a dot: one look tells so.
local function is_json(data)
  if not string.find(data, '[^/-\127 --]') then
    return (pcall(decode, data))
  end
  if not is_utf8(data) or not pcall(decode, data) then
    return false
  end
  local odd_dot = string.find(data, '%.%D') or string.find(data, '%D%.') or string.sub(data, -1) == '.'
  return not ((odd_dot or string.find(data, '[%z\1-\31]')) and has_loose_json(data))
end

-- An object, and where `kind` is given its values are all of that type.
local function is_json_object(text, kind)
  if not string.find(text, '^[ \t\r\n]*{') or not is_json(text) then
    return false
  end
  for _, value in pairs(kind and decode(text) or {}) do
    if type(value) ~= kind then
      return false
    end
  end
  return true
end
