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
-- @param value any
-- @return text of several lines
function cloudcal.pretty(value)
    return require "cloudcal.pretty"(value)
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
-- @return true; or nil and a cannot_wait error where the host cannot wait
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

local function later(name)
    return setmetatable({}, {
        __index = function(_, key) return not_yet(name .. "." .. tostring(key)) end,
        __call = not_yet(name),
    })
end

--- Calls a function for each item, several at a time; see lua/cloudcal/map.lua.
cloudcal.map = require "cloudcal.map"

--- Makes a loop, in which tasks go on side by side. All loops of a Lua state share one engine.
-- @return the loop; see lua/cloudcal/wait/loop.lua
function cloudcal.loop()
    return loop.new()
end

cloudcal.redis = not_yet "cloudcal.redis"
cloudcal.caldav = later "cloudcal.caldav"

return cloudcal
