--- The sandbox as a child process: the calendar services on this machine, for programs that
-- are developed or tested without credentials.
local sandbox = {}

local START_SECONDS = 15
local POLL_SECONDS = 0.02

-- Held here so that a server does not end because its table was collected while only
-- base_url is still in use. They end with this Lua state.
local running = {}

local function quote(argument) return "'" .. argument:gsub("'", "'\\''") .. "'" end

-- A path with this Lua's version in it names the child's version there instead.
local function for_child(path)
    local own = _VERSION:match("[%d.]+$"):gsub("%.", "%%.")
    return path:gsub("/" .. own .. "/", "/5.4/") .. ";;"
end

local function environment(given)
    local path = quote(for_child(given.lua_path or package.path))
    local cpath = quote(for_child(given.lua_cpath or package.cpath))
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

local function read_line(file)
    local handle = io.open(file)
    local line = handle and handle:read("*l")
    local complete = line and handle:seek() > #line
    if handle then handle:close() end
    return complete and line or nil
end

local function wait_for_line(file)
    for _ = 1, START_SECONDS / POLL_SECONDS do
        local line = read_line(file)
        if line then return line end
        os.execute("sleep " .. POLL_SECONDS)
    end
end

local function stop(self)
    local pipe = running[self]
    running[self] = nil
    if pipe then pipe:close() end
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
    local line = pipe and wait_for_line(file)
    os.remove(file)
    local ready = line and line:find("^{") and require("cloudcal.json").decode(line)
    if ready then return ready, pipe end
    if pipe then pipe:close() end
    return nil, ("the sandbox did not start: %s"):format(problem or line or "no answer in time")
end

--- Start a sandbox and wait until it is ready. Returns what its ready line says (ca_file, pid,
-- feishu, lark, youkong) with stop(), or nil and a message. A wrong option raises.
-- Options: those of the command line by name (port, faults, rate, sync_seconds,
-- token_seconds, clock_skew, certificate, verbose, and credentials such as app_id);
-- interpreter (default "lua5.4"), lua_path and lua_cpath of the child.
function sandbox.start(given)
    local own, others = split_options(given)
    local argv, problem = require("cloudcal.sandbox.options").arguments(others)
    if not argv then error("sandbox: " .. problem, 2) end
    local ready, pipe = launch(own, argv)
    if not ready then return nil, pipe end
    running[ready] = pipe
    ready.stop = function() stop(ready) end
    return ready
end

return sandbox
