--- How long a loop keeps a frame: 20 calls of 200 ms side by side, what waiting costs, and the
-- longest of 1,000 steps while 100 calls are under way on new connections.
--
--   lua5.4 bench/loop.lua

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"

local sandbox = require("cloudcal.sandbox").start { rate = false }
local client = cloudcal.feishu {
    base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
    user_access_token = sandbox.feishu.user_access_token,
    rate_limit = { per_second = 1e6, per_minute = 1e8 }, max_connections = 128,
}

local function call(fault)
    return cloudcal.assert(client:primary_calendar { headers = { ["X-Sandbox-Fault"] = fault } })
end

local function measure(body)
    local wall, cpu = core.now(), os.clock()
    body()
    return (core.now() - wall) * 1000, (os.clock() - cpu) * 1000
end

local function side_by_side()
    local loop = cloudcal.loop()
    return measure(function()
        for _ = 1, 20 do loop:spawn(call, "slow:0.2") end
        loop:run()
    end)
end

local function waiting()
    local loop = cloudcal.loop()
    loop:spawn(call, "slow:2")
    return measure(function() loop:run() end)
end

-- Each call closes its connection, so that new ones are made all the time.
local function frames()
    local loop = cloudcal.loop()
    local function go_on()
        while true do call "close_after" end
    end
    for _ = 1, 100 do loop:spawn(go_on) end
    local worst_wall, worst_cpu, total = 0, 0, 0
    for _ = 1, 1000 do
        local wall, cpu = measure(function() loop:step(0.004) end)
        worst_wall, worst_cpu = math.max(worst_wall, wall), math.max(worst_cpu, cpu)
        total = total + cpu
    end
    return worst_wall, worst_cpu, total / 1000
end

client:warm_up()
print(_VERSION, rawget(_G, "jit") and rawget(_G, "jit").version or "")
print(("20 calls of 200 ms side by side   %6.1f ms, %5.2f ms CPU"):format(side_by_side()))
print(("waiting 2 s for one call          %6.1f ms, %5.2f ms CPU"):format(waiting()))
print(("the longest of 1,000 steps        %6.1f ms, %5.2f ms CPU (mean %.2f ms CPU)")
    :format(frames()))
sandbox.stop()
