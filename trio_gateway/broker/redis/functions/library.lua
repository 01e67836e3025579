-- tg1_library: what is loaded, so that a node can tell whether it must load anything.

local function library()
  return { REVISION, SETTINGS }
end

redis.register_function { function_name = 'tg1_library', callback = library, flags = { 'no-writes' } }
