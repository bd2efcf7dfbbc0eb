--- Tells whether the running coroutine may yield where this is called: not in a callback of
-- sort or gsub, nor while a file is required.

local core = require "cloudcal.core"

if coroutine.isyieldable then return coroutine.isyieldable end
if core.isyieldable() ~= nil then return core.isyieldable end

-- Lua 5.1 and 5.2 cannot tell: they yield across no C function on the stack, but for pcall on
-- 5.2.
local crossed = _VERSION == "Lua 5.2" and { [pcall] = true, [xpcall] = true } or {}

return function()
    local level = 2
    local frame = debug.getinfo(level, "Sf")
    while frame do
        if frame.what == "C" and not crossed[frame.func] then return false end
        level = level + 1
        frame = debug.getinfo(level, "Sf")
    end
    return true
end
