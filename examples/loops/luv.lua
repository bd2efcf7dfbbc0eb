-- libuv by luv: a poll handle on the loop's descriptor, and a timer for the rest.
-- Run it: lua5.4 examples/loops/luv.lua

local cloudcal = require "cloudcal"
local uv = require "luv"

-- Copy this. It steps the loop from libuv until its tasks are done.
local function attach(loop, when_done)
    local poll, timer = uv.new_poll(loop:fd()), uv.new_timer()
    local function step()
        if loop:step(0) == 0 then
            poll:close()
            timer:close()
            return when_done()
        end
        local seconds = loop:timeout()
        timer:stop()
        if seconds then timer:start(math.ceil(seconds * 1000), 0, step) end
    end
    poll:start("r", step)
    timer:start(0, 0, step)
end

local sandbox = assert(require("cloudcal.sandbox").start { faults = "slow:0.2" })
local client = cloudcal.feishu {
    base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
    user_access_token = sandbox.feishu.user_access_token,
}

local loop, tasks, ticks, started = cloudcal.loop(), {}, 0, uv.hrtime()
for i = 1, 5 do tasks[i] = loop:spawn(client.primary_calendar, client) end

local ticker = uv.new_timer()
ticker:start(10, 10, function() ticks = ticks + 1 end)

attach(loop, function()
    for _, task in ipairs(tasks) do cloudcal.assert(task:result()) end
    print(("5 calls of 200 ms in %.0f ms, %d ticks of 10 ms meanwhile")
        :format((uv.hrtime() - started) / 1e6, ticks))
    ticker:close()
end)
uv.run()
