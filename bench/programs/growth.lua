--- Does a call cost more, or the process hold more, the longer it runs?
--
--   lua5.4 bench/programs/growth.lua BASE_URL CA_FILE CALLS
--
-- Prints "growth RSS RATIO…": by how many KiB the memory has grown since a tenth of the calls, and
-- then ten times the CPU of 1,000 calls, of what they cost in a process that begins its second
-- thousand at that moment. With 0 CALLS it is that process, and prints seconds.

local cloudcal = require "cloudcal"

local base_url, ca_file, calls = arg[1], arg[2], tonumber(arg[3])

local lark = cloudcal.lark {
    base_url = base_url, ca_file = ca_file, tenant_access_token = "t-bench",
    rate_limit = { per_second = 1e6, per_minute = 1e8 },
}

-- CPU of so many calls.
local function run(count)
    local began = os.clock()
    for _ = 1, count do cloudcal.assert(lark:primary_calendar()) end
    return os.clock() - began
end

local function rss()
    collectgarbage()
    for line in io.lines "/proc/self/status" do
        local kib = line:match "^VmRSS:%s*(%d+)"
        if kib then return tonumber(kib) end
    end
end

if calls == 0 then
    run(1000)
    print(run(1000))
    return
end

local function fresh()
    local pipe = assert(io.popen(("lua5.4 %s %s %s 0"):format(arg[0], base_url, ca_file)))
    local seconds = pipe:read "*n"
    pipe:close()
    return seconds
end

run(calls / 10)
local before = rss()
run(calls - calls / 10)
local result = { "growth", rss() - before }
for i = 1, 10 do result[i + 2] = ("%.4f"):format(run(1000) / fresh()) end
print(table.concat(result, " "))
