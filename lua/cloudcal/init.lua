--- cloudcal: the calendar services of Feishu, Lark and Youkong, from any program that hosts Lua.
-- The names and shapes are described in README.md.

local json = require "cloudcal.json"
local later = require "cloudcal.later"

-- What is read from its file when it is first asked for: a program parses what it uses.
local LATER = {
    feishu = function() return later("cloudcal.services.feishu").feishu end,
    lark = function() return later("cloudcal.services.feishu").lark end,
    youkong = function() return later("cloudcal.services.youkong").youkong end,
    log = function() return later "cloudcal.log" end,
    stores = function() return later "cloudcal.stores" end,
    explain = function() return later("cloudcal.errors").explain end,
    map = function() return later "cloudcal.map" end,
    journal = function() return later("cloudcal.journal").open end,
    caldav = function() return later "cloudcal.caldav" end,
}

local cloudcal = setmetatable({
    _VERSION = "cloudcal " .. require "cloudcal.version",
    null = json.null,
}, {
    __index = function(self, name)
        local load = LATER[name]
        if not load then return nil end
        local value = load()
        rawset(self, name, value)
        return value
    end,
})

--- Text of a value, for people; secret fields are masked.
-- @param value any
-- @return text of several lines
function cloudcal.pretty(value)
    return later "cloudcal.pretty"(value)
end

--- Returns its arguments, or raises the error as one line of text, which every Lua can show.
-- @param value result of a call
-- @param err its error
-- @return all arguments, if the first is true
function cloudcal.assert(value, err, ...)
    if value then return value, err, ... end
    error(err == nil and "assertion failed!" or tostring(err), 2)
end

--- Waits in the way of the host: a script blocks, a task yields, in nginx the light thread does.
-- @param seconds a number
-- @return true; or nil and an error: cannot_wait where the host cannot wait, cancelled in a task
-- that is cancelled
function cloudcal.sleep(seconds)
    if type(seconds) ~= "number" or seconds ~= seconds then
        error("seconds must be a number, not " .. tostring(seconds), 2)
    end
    local wait = later "cloudcal.wait"
    local found = wait.problem()
    if not found then
        if wait.sleep(seconds) then return true end
        found = wait.cancelled()
    end
    return nil, later("cloudcal.errors").new(found, { operation = "sleep" })
end

--- Makes a loop, in which tasks go on side by side. All loops of a Lua state share one engine.
-- @return the loop; see lua/cloudcal/wait/loop.lua
function cloudcal.loop()
    return later("cloudcal.wait.loop").new()
end

--- Makes a store in a Redis server, which processes and machines share: as `store` for tokens, as
-- `rate_limit` for the count of calls. One object does for all clients of a Lua state, and one
-- for each of them would each count for itself where Redis is away.
--
-- A round trip takes at most 0.1 s, after which the server counts as away for a second: tokens are
-- fetched anew, logins are not renewed, and each process takes its share of the rate. A client
-- over LuaSocket blocks its process so long, loops included; lua-resty-redis blocks only the
-- light thread. `connect` itself takes as long as it likes: give it a timeout of 0.1 s or less;
-- if it took longer, that call goes on without Redis. A process that forks does so before the
-- first use: a connection is not shared.
-- @param given connect: function() that returns a client such as redis-lua's or lua-resty-redis's,
-- or nil and a message, or raises; prefix: of all keys, "cloudcal:" if absent; processes: how
-- many share the rate while Redis is away, 4 if absent
-- @return the store; nothing is connected before it is used
function cloudcal.redis(given)
    local store = later "cloudcal.stores.redis".new(given) -- a tail call would hide the caller
    return store
end

return cloudcal
