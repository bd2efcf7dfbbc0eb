-- Copas: one of its threads waits for the loop as if that were a socket.
-- Run it: lua5.1 examples/loops/copas.lua

local copas = require "copas"
local cloudcal = require "cloudcal"
local socket = require "socket"

-- Copy this. It steps the loop in a thread of Copas until its tasks are done. Copas looks at
-- sockets only, so whoever runs it has to come back by loop:timeout().
local function attach(loop, when_done)
    local bridge = {
        getfd = function() return loop:getfd() end,
        dirty = function() return loop:dirty() end,
        close = function() end,
        receive = function()
            if loop:step(0) == 0 then return "done" end
            return nil, "timeout"
        end,
    }
    copas.addthread(function()
        copas.receive(bridge)
        when_done()
    end)
end

local sandbox = assert(require("cloudcal.sandbox").start { faults = "slow:0.2" })
local client = cloudcal.feishu {
    base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
    user_access_token = sandbox.feishu.user_access_token,
}

local loop, tasks, ticks, started, done = cloudcal.loop(), {}, 0, socket.gettime(), false
for i = 1, 5 do tasks[i] = loop:spawn(client.primary_calendar, client) end

attach(loop, function()
    for _, task in ipairs(tasks) do cloudcal.assert(task:result()) end
    print(("5 calls of 200 ms in %.0f ms, %d ticks of 10 ms meanwhile")
        :format((socket.gettime() - started) * 1000, ticks))
    done = true
end)

local next_tick = started + 0.01
while not done do
    local left = math.max(0, next_tick - socket.gettime())
    copas.step(math.min(left, loop:timeout() or left))
    if socket.gettime() >= next_tick then ticks, next_tick = ticks + 1, next_tick + 0.01 end
end
