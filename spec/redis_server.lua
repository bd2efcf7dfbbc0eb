--- A Redis server of a spec's own on a free port of 127.0.0.1, and clients of it: redis-lua, and
-- one with the ways of lua-resty-redis.

local core = require "cloudcal.core"
local lua = require "spec.lua"
local peer = require "spec.peer"
local socket = require "socket"

local server = {}
server.__index = server

-- Debian has redis-lua for Lua 5.1 to 5.3; it runs on the others as it is.
server.PATH = "/usr/share/lua/5.1/?.lua"

local function free_port()
    local probe = assert(socket.bind("127.0.0.1", 0))
    local _, port = probe:getsockname()
    probe:close()
    return tonumber(port)
end

local function launch(self)
    local pipe = io.popen(("redis-server --port %d --bind 127.0.0.1 --save '' --appendonly no"
        .. " --daemonize no >/dev/null 2>&1 & echo $!"):format(self.port))
    self.pid = tonumber(pipe:read "*l")
    pipe:close()
    local deadline = core.now() + 10
    repeat
        assert(core.now() < deadline, "redis-server does not start")
        core.sleep(0.01)
        local fine, answer = pcall(function() return self:ask "PING" end)
    until fine and answer == "PONG"
end

--- Starts a server. It ends with this Lua state at the latest.
function server.start()
    local self = setmetatable({ port = free_port() }, server)
    launch(self)
    self.guard = lua.at_end(function() self:kill() end)
    return self
end

function server:signal(name)
    if self.pid then peer.shell(("kill -%s %d"):format(name, self.pid)) end
end

--- Ends it at once; what it held is lost.
function server:kill()
    self:signal "CONT"
    self:signal "KILL"
    self.pid = nil
end

--- Starts it again on the same port, and empty.
function server:start_again()
    assert(not self.pid)
    launch(self)
end

-- {======================================================
-- A client that returns its errors, has a timeout in milliseconds, and goes back to a pool
-- =======================================================}

local Client = {}

local function read_reply(con)
    local line, problem = con:receive "*l"
    if not line then return nil, problem end
    local kind, rest = line:sub(1, 1), line:sub(2)
    if kind == "+" then return rest end
    if kind == "-" then return false, rest end
    if kind == ":" then return tonumber(rest) end
    local size = tonumber(rest)
    if kind == "$" then return size >= 0 and con:receive(size + 2):sub(1, -3) or server.null end
    local list = {}
    for i = 1, size do list[i] = read_reply(con) end
    return list
end

server.null = {}

local function ask(self, ...)
    local words = { ... }
    local parts = { ("*%d\r\n"):format(#words) }
    for _, word in ipairs(words) do
        word = tostring(word)
        parts[#parts + 1] = "$" .. #word .. "\r\n" .. word .. "\r\n"
    end
    local sent, problem = self.con:send(table.concat(parts))
    if not sent then return nil, problem end
    return read_reply(self.con)
end

function Client:set_timeout(milliseconds) self.con:settimeout(milliseconds / 1000) end

function Client:set_keepalive() self.pool[#self.pool + 1] = self end

function Client:close() self.con:close() end

-- Whatever it is called with is a command.
local metatable = {
    __index = function(_, name)
        return Client[name] or function(self, ...) return ask(self, name, ...) end
    end,
}

--- Makes a client, or takes one from the pool.
function server:raw_client(pool)
    pool = pool or {}
    local client = table.remove(pool)
    if client then return client end
    local con, problem = socket.connect("127.0.0.1", self.port)
    if not con then return nil, problem end
    con:settimeout(1)
    return setmetatable({ con = con, pool = pool }, metatable)
end

--- Sends one command.
function server:ask(...)
    local client = assert(self:raw_client())
    local answer, problem = ask(client, ...)
    client:close()
    assert(answer ~= nil and answer ~= false, problem)
    return answer
end

--- Makes a client of redis-lua.
function server:redis_lua()
    local path = package.path
    package.path = path .. ";" .. server.PATH
    local fine, redis = pcall(require, "redis")
    package.path = path
    assert(fine, redis)
    return redis.connect("127.0.0.1", self.port, 0.1)
end

return server
