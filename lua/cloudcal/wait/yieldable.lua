--- Tells whether the running coroutine may yield where this is called: not in a callback of
-- sort or gsub, nor while a file is required.

if coroutine.isyieldable then return coroutine.isyieldable end

-- Lua 5.1 and 5.2 cannot tell, and nginx hides the function that LuaJIT has. None of them
-- yields across a C function on the stack, but for pcall on 5.2 and LuaJIT.
local crosses_pcall = rawget(_G, "jit") ~= nil or _VERSION == "Lua 5.2"
local crossed = crosses_pcall and { [pcall] = true, [xpcall] = true } or {}

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
