--- How near a batch comes to the least time that the services' limits allow: 400 calls through 8
-- tasks, against the sandbox's own counter of 50 a second and 1,000 a minute. The least is 7 s.
--
--   lua5.4 bench/limits.lua [ROUNDS]

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"

local CALLS, TASKS, LEAST = 400, 8, 7

local function round()
    local sandbox = require("cloudcal.sandbox").start {
        rate = { per_second = 50, per_minute = 1000 },
    }
    local client = cloudcal.feishu {
        base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file, retry = false,
        user_access_token = sandbox.feishu.user_access_token,
    }
    local items, refused = {}, 0
    for i = 1, CALLS do items[i] = i end
    client:warm_up()
    local began = core.now()
    local _, errors = cloudcal.map(items, function() return client:primary_calendar() end,
        { concurrency = TASKS })
    local seconds = core.now() - began
    for _ in pairs(errors or {}) do refused = refused + 1 end
    sandbox.stop()
    return seconds, refused
end

for _ = 1, tonumber(arg[1]) or 3 do
    local seconds, refused = round()
    print(("%d calls through %d tasks: %.2f s, %.3f of the least, %d refused")
        :format(CALLS, TASKS, seconds, seconds / LEAST, refused))
end
