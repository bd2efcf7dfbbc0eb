--- The sandbox as a child process: the calendar services on this machine, for programs that
-- are developed or tested without credentials.
local sandbox = {}

local START_SECONDS = 15
-- The usual reason, where the child itself has said more on stderr.
local NEEDS = "it runs under lua5.4 and needs cloudcal, lua-cqueues, lua-luaossl and lua-socket "
    .. "there; the options interpreter, lua_path and lua_cpath name another Lua"

local POLL_SECONDS = 0.02

-- Held here so that a server does not end because its table was collected while only
-- base_url is still in use. The servers end with this Lua state.
local running = {}

local function quote(argument) return "'" .. argument:gsub("'", "'\\''") .. "'" end

-- A path with this Lua's version in it names the child's version there instead.
local function for_child(path)
    local own = _VERSION:match("[%d.]+$"):gsub("%.", "%%.")
    return path:gsub("/" .. own .. "/", "/5.4/") .. ";;"
end

local function environment(given)
    local path = quote(given.lua_path or for_child(package.path))
    local cpath = quote(given.lua_cpath or for_child(package.cpath))
    return ("LUA_PATH=%s LUA_CPATH=%s LUA_PATH_5_4=%s LUA_CPATH_5_4=%s"):format(
        path, cpath, path, cpath)
end

-- /dev/null is the script, so that what follows are the arguments of -e.
local function command(given, argv, file)
    local words = {
        environment(given), quote(given.interpreter or "lua5.4"),
        "-e", quote 'require("cloudcal.sandbox.server").main(arg)', "/dev/null",
    }
    for _, argument in ipairs(argv) do words[#words + 1] = quote(argument) end
    return ("{ %s; echo ended $?; } >%s"):format(table.concat(words, " "), quote(file))
end

local function read_line(handle)
    local start = handle:seek()
    local line = handle:read("*l")
    if line and handle:seek() > start + #line then return line end
    handle:seek("set", start)
end

local function wait_for_line(handle)
    for _ = 1, START_SECONDS / POLL_SECONDS do
        local line = read_line(handle)
        if line then return line end
        os.execute("sleep " .. POLL_SECONDS)
    end
end

-- Closing the pipe is enough, unless another child of this program inherited it: then only
-- a signal ends the server. The shell around it says on its output when it has ended, so
-- that no stranger with the same number gets the signal.
local function finish(child)
    if not child.pipe then return end
    if not read_line(child.output) then
        os.execute(("kill -TERM %d 2>/dev/null"):format(child.pid))
    end
    child.output:close()
    child.pipe:close()
    child.pipe = nil
end

local child_class = { __gc = finish }

-- A table has no __gc on Lua 5.1 and LuaJIT; a proxy that it holds has.
local function finish_when_collected(child)
    local newproxy = rawget(_G, "newproxy")
    if not newproxy then return setmetatable(child, child_class) end
    child.proxy = newproxy(true)
    getmetatable(child.proxy).__gc = function() finish(child) end
    return child
end

local function stop(self)
    local child = running[self]
    running[self] = nil
    if child then finish(child) end
end

local own_options = { "interpreter", "lua_path", "lua_cpath" }

local function split_options(given)
    local own, others = {}, {}
    for name, value in pairs(given or {}) do others[name] = value end
    for _, name in ipairs(own_options) do
        own[name], others[name] = others[name], nil
    end
    return own, others
end

local function launch(own, argv)
    local file = os.tmpname()
    local pipe, problem = io.popen(command(own, argv, file), "w")
    local output = assert(io.open(file))
    local line = pipe and wait_for_line(output)
    os.remove(file)
    local ready = line and line:find("^{") and require("cloudcal.json").decode(line)
    if ready then
        local child = { pipe = pipe, output = output, pid = ready.pid }
        return ready, finish_when_collected(child)
    end
    output:close()
    if pipe then pipe:close() end
    return nil, ("the sandbox did not start: %s; %s"):format(
        problem or line or "no answer in time", NEEDS)
end

--- Start a sandbox and wait until it is ready. A wrong option raises.
-- @param given options: those of the command line by name (port, faults, rate, sync_seconds,
-- token_seconds, refresh_seconds, token_error_status, device_approval, device_interval,
-- device_seconds, clock_skew, certificate, caldav_server, caldav_user_name, caldav_password,
-- verbose, and credentials such as app_id), and in its array part words of that line;
-- interpreter (default "lua5.4"; lua5.3 and luajit need their lua_path and lua_cpath)
-- @return what its ready line says (ca_file, pid, feishu, lark, youkong) with stop(); or nil and
-- a message
function sandbox.start(given)
    local own, others = split_options(given)
    local argv, problem = require("cloudcal.sandbox.options").arguments(others)
    if not argv then error("sandbox: " .. problem, 2) end
    local ready, child = launch(own, argv)
    if not ready then return nil, child end
    running[ready] = child
    --- Ends the sandbox.
    ready.stop = function() stop(ready) end
    return ready
end

return sandbox
