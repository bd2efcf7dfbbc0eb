--- cloudcal: the calendar services of Feishu, Lark and Youkong, from any program that hosts Lua.
-- The names and shapes are described in README.md.

local errors = require "cloudcal.errors"
local feishu = require "cloudcal.services.feishu"
local json = require "cloudcal.json"
local log = require "cloudcal.log"
local loop = require "cloudcal.wait.loop"
local wait = require "cloudcal.wait"
local youkong = require "cloudcal.services.youkong"

local cloudcal = {
    _VERSION = "cloudcal " .. require "cloudcal.version",
    feishu = feishu.feishu,
    lark = feishu.lark,
    youkong = youkong.youkong,
    null = json.null,
    log = log,
    stores = require "cloudcal.stores",
    explain = errors.explain,
}

--- Text of a value, for people; secret fields are masked.
function cloudcal.pretty(value)
    return require "cloudcal.pretty"(value)
end

--- Returns its arguments, or raises the error as one line of text, which every Lua can show.
function cloudcal.assert(value, err, ...)
    if value then return value, err, ... end
    error(err == nil and "assertion failed!" or tostring(err), 2)
end

--- Waits for so many seconds in the way of the host.
-- @return true; or nil and an error where the host cannot wait
function cloudcal.sleep(seconds)
    if type(seconds) ~= "number" or seconds ~= seconds then
        error("seconds must be a number, not " .. tostring(seconds), 2)
    end
    local possible, phase = wait.is_possible()
    if not possible then
        return nil, errors.new({ name = "cannot_wait",
            message = ("the nginx phase %s cannot wait"):format(phase) }, { operation = "sleep" })
    end
    wait.sleep(seconds)
    return true
end

local function not_yet(name)
    return function()
        error(name .. " is not in this version", 2)
    end
end

-- A table of functions that are read from their file when one of them is first asked for.
local function when_needed(load)
    return setmetatable({}, { __index = function(self, name)
        setmetatable(self, nil)
        for key, value in pairs(load()) do self[key] = value end
        return self[name]
    end })
end

--- Calls a function for each item, several at a time; see lua/cloudcal/map.lua.
cloudcal.map = require "cloudcal.map"

--- Makes a loop; see lua/cloudcal/wait/loop.lua.
function cloudcal.loop()
    return loop.new()
end

cloudcal.redis = not_yet "cloudcal.redis"

--- What to do with a CalDAV account; see lua/cloudcal/caldav/init.lua.
cloudcal.caldav = when_needed(function() return require "cloudcal.caldav" end)

return cloudcal
