-- socket.select of LuaSocket: takes the loop among the sockets, as it is.
-- Run it: lua5.4 examples/loops/select.lua

local cloudcal = require "cloudcal"
local socket = require "socket"

-- Copy this. It waits for sockets and for the loop, but no longer than `seconds`. Returns how
-- many tasks are live, and which sockets are ready.
local function select(readers, writers, loop, seconds)
    readers[#readers + 1] = loop
    local readable, writable = socket.select(readers, writers,
        math.min(seconds, loop:timeout() or seconds))
    table.remove(readers)
    return loop:step(0), readable, writable
end

local sandbox = assert(require("cloudcal.sandbox").start { faults = "slow:0.2" })
local client = cloudcal.feishu {
    base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
    user_access_token = sandbox.feishu.user_access_token,
}

local loop, tasks, ticks, started = cloudcal.loop(), {}, 0, socket.gettime()
for i = 1, 5 do tasks[i] = loop:spawn(client.primary_calendar, client) end

local next_tick = started + 0.01
repeat
    local live = select({}, {}, loop, math.max(0, next_tick - socket.gettime()))
    if socket.gettime() >= next_tick then ticks, next_tick = ticks + 1, next_tick + 0.01 end
until live == 0

for _, task in ipairs(tasks) do cloudcal.assert(task:result()) end
print(("5 calls of 200 ms in %.0f ms, %d ticks of 10 ms meanwhile")
    :format((socket.gettime() - started) * 1000, ticks))
