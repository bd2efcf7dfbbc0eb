-- cqueues: takes the loop for something to poll, as it is.
-- Run it: lua5.4 examples/loops/cqueues.lua

local cloudcal = require "cloudcal"
local cqueues = require "cqueues"

local queue = cqueues.new()

-- Copy this. It steps the loop in a coroutine of cqueues until its tasks are done.
local function attach(loop, when_done)
    queue:wrap(function()
        while loop:step(0) > 0 do cqueues.poll(loop) end
        when_done()
    end)
end

local sandbox = assert(require("cloudcal.sandbox").start { faults = "slow:0.2" })
local client = cloudcal.feishu {
    base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
    user_access_token = sandbox.feishu.user_access_token,
}

local loop, tasks, ticks, started = cloudcal.loop(), {}, 0, cqueues.monotime()
for i = 1, 5 do tasks[i] = loop:spawn(client.primary_calendar, client) end

local done = false
queue:wrap(function()
    while not done do
        cqueues.sleep(0.01)
        ticks = ticks + 1
    end
end)

attach(loop, function()
    for _, task in ipairs(tasks) do cloudcal.assert(task:result()) end
    print(("5 calls of 200 ms in %.0f ms, %d ticks of 10 ms meanwhile")
        :format((cqueues.monotime() - started) * 1000, ticks))
    done = true
end)
assert(queue:loop())
