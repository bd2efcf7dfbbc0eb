--- Calls, one at a time, in a hundred windows: does a call cost more, or the process hold more,
-- the longer it runs?
--
--   lua5.4 bench/programs/growth.lua BASE_URL CA_FILE CALLS
--
-- Prints "growth FIRST LAST RSS": seconds of CPU that a call takes in the second to eleventh
-- window and in the last ten, each the least of its ten, which disturbs least; and by how many
-- KiB the memory has grown since the end of the eleventh.

local cloudcal = require "cloudcal"

local lark = cloudcal.lark {
    base_url = arg[1], ca_file = arg[2], tenant_access_token = "t-bench",
    rate_limit = { per_second = 1e6, per_minute = 1e8 },
}

local function rss()
    for line in io.lines "/proc/self/status" do
        local kib = line:match "^VmRSS:%s*(%d+)"
        if kib then return tonumber(kib) end
    end
end

local SIZE = tonumber(arg[3]) / 100

local function window()
    local began = os.clock()
    for _ = 1, SIZE do cloudcal.assert(lark:primary_calendar()) end
    return (os.clock() - began) / SIZE
end

local function least_of_ten()
    local least = window()
    for _ = 2, 10 do least = math.min(least, window()) end
    return least
end

window()
local first = least_of_ten()
collectgarbage()
local before = rss()
for _ = 12, 90 do window() end
local last = least_of_ten()
collectgarbage()
print(("growth %.9f %.9f %d"):format(first, last, rss() - before))
