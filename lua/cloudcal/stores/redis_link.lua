--- The way to a Redis server, by a client that somebody else has made. What a client is like is
-- told by what it does: one raises its errors and another returns them, one is kept and another
-- goes back to the pool of nginx after each use.

local clock = require "cloudcal.clock"
local nginx = require "cloudcal.wait.nginx"
local scripts = require "cloudcal.stores.redis_scripts"

local link = {}
link.__index = link

local PATIENCE = 0.1 -- seconds for one round trip
local IN_TIME = 0.05 -- of these, in which the server has to begin
local ATTEMPTS = 3 -- at a command that is late
local NEVER = 9e9 -- as the server's time, seconds since 1970
local REST = 1 -- seconds between two attempts to reach a server that is away
local POOL_SECONDS, POOL_SIZE = 60, 64 -- of nginx's connections

--- Makes a link. Nothing is connected before it is used.
-- @param connect function() that returns a client; or nil and a message, or raises
function link.new(connect)
    return setmetatable({ connect = connect, away_until = -math.huge }, link)
end

local function text_of(problem)
    local fine, text = pcall(tostring, problem)
    return (fine and text or "an error without a text"):match("^[^\r\n]*"):sub(1, 200)
end

-- {======================================================
-- Clients
-- =======================================================}

-- A client may answer to every name, as with the name of a command.
local function is_of_nginx(client)
    return type(client.network) ~= "table" and type(client.set_keepalive) == "function"
        and type(client.set_timeout) == "function"
end

local function socket_of(client)
    return type(client.network) == "table" and client.network.socket
end

local function limit_time(client)
    local socket = socket_of(client)
    if socket then
        socket:settimeout(PATIENCE)
    elseif is_of_nginx(client) then
        client:set_timeout(PATIENCE * 1000)
    end
end

local function close(client)
    local socket = socket_of(client)
    if socket then return socket:close() end
    if is_of_nginx(client) then return client:close() end
end

local function keep(self, client)
    if is_of_nginx(client) then
        client:set_keepalive(POOL_SECONDS * 1000, POOL_SIZE)
    elseif not self.client then
        self.client = client
    else
        close(client)
    end
end

local function open(self)
    local client, problem = self.connect()
    if type(client) ~= "table" and type(client) ~= "userdata" then
        error(problem or "connect gave no client", 0)
    end
    limit_time(client)
    return client
end

-- {======================================================
-- Commands
-- =======================================================}

local function command(client, name, ...)
    local fine, reply, problem = pcall(client[name], client, ...)
    if not fine then return nil, reply end
    if type(reply) == "table" and tonumber(reply[1]) then return reply end
    return nil, problem or "a reply that is none of this script"
end

local function evaluate(client, script, ...)
    local reply, problem = command(client, "evalsha", script.sha1, 1, ...)
    if reply or not text_of(problem):find("NOSCRIPT", 1, true) then return reply, problem end
    return command(client, "eval", script.text, 1, ...)
end

-- The server's time is learned from each reply: it was that, or is a little more by now.
local function run_once(self, client, script, key, ...)
    local limit = self.offset and clock.now() + self.offset + IN_TIME or NEVER
    local reply, problem = evaluate(client, script, key, ("%.0f"):format(limit * 1e6), ...)
    if reply then self.offset = reply[1] / 1e6 - clock.now() end
    return reply, problem
end

-- Late is what a busy machine has held back, and all if the server's clock was set.
local function run(self, client, script, ...)
    for _ = 1, ATTEMPTS do
        local reply, problem = run_once(self, client, script, ...)
        if not reply or reply[2] ~= "late" then return reply, problem end
    end
    return nil, "the server is slow"
end

-- {======================================================
-- The server is there, or away
-- =======================================================}

-- A phase of nginx that has no sockets says nothing of the server.
local function go_away(self, problem)
    local reason = "Redis is away: " .. text_of(problem)
    self.offset = nil
    if nginx.is_here() or not nginx.is_host() then
        self.away_until, self.reason = clock.now() + REST, reason
    end
    return nil, reason
end

-- A connection that took long is for the next time: this call has waited enough.
local function connect(self)
    local started = clock.now()
    local fine, client = pcall(open, self)
    if not fine then return nil, client end
    local seconds = clock.now() - started
    if seconds <= PATIENCE then return client end
    pcall(keep, self, client)
    return nil, ("connect took %.2f s"):format(seconds)
end

-- Looks first whether a server that was away is there: nobody shall send it twice what it may
-- have got.
local function talk(self, client, script, ...)
    if not self.offset then
        local reply, problem = run(self, client, scripts.look, "")
        if not reply then return nil, problem end
        self.away_until, self.reason = -math.huge, nil
    end
    return run(self, client, script, ...)
end

local function run_on(self, client, script, ...)
    local reply, problem = talk(self, client, script, ...)
    if reply then pcall(keep, self, client) else pcall(close, client) end
    return reply, problem
end

--- Runs a script.
-- @param script one of stores/redis_scripts.lua
-- @param key and its arguments beside the first
-- @return its reply; or nil and a message
function link:run(script, ...)
    local started, client = clock.now(), self.client
    if started < self.away_until then return nil, self.reason end
    -- others do not ask meanwhile: they might wait in vain
    if self.reason then self.away_until = started + REST end
    self.client = nil
    local reply, problem
    if client then
        reply, problem = run_on(self, client, script, ...)
        if reply then return reply end
        -- the server may have closed a connection that was idle
        if clock.now() - started > IN_TIME then return go_away(self, problem) end
    end
    client, problem = connect(self)
    if client then reply, problem = run_on(self, client, script, ...) end
    if reply then return reply end
    return go_away(self, problem)
end

return link
