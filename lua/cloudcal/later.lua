--- Requires a module of cloudcal when it is first used, which may be in the middle of a call.

-- What require of Lua 5.1 and LuaJIT leaves behind where something interrupted it (a hook, Ctrl-C,
-- no memory), by its type: no module of ours is one. Each later require of that name would fail.
local IS_MARK = { userdata = true, number = true }

local function forget_unfinished()
    for name, value in pairs(package.loaded) do
        if IS_MARK[type(value)] and tostring(name):find "^cloudcal" then
            package.loaded[name] = nil
        end
    end
end

--- Requires it, and leaves no trace where that fails.
-- @param name of the module
-- @return what it returned
return function(name)
    local fine, module = pcall(require, name)
    if fine then return module end
    forget_unfinished()
    error(module, 0)
end
