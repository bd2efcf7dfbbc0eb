--- cloudcal under load, with its defaults but for the rate limit and the number of connections.
--
--   lua5.4 bench/programs/cloudcal.lua BASE_URL CA_FILE AT_ONCE WARM CALLS [MODE]
--
-- MODE is 2 for HTTP/2, or "refused" where each call is answered by 429.
-- Prints "first" after the first answer, and "steady CALLS SECONDS CPU FAILED" about the calls
-- that follow the warm ones.

local cloudcal = require "cloudcal"

local base_url, ca_file, mode = arg[1], arg[2], arg[6]
local at_once, warm, calls = tonumber(arg[3]), tonumber(arg[4]), tonumber(arg[5])

local options = {
    base_url = base_url, ca_file = ca_file, tenant_access_token = "t-bench",
    rate_limit = { per_second = 1e6, per_minute = 1e8 },
}
if at_once > 32 then options.max_connections = at_once end
if mode == "2" then options.http_version = "2" end
if mode == "refused" then options.retry = false end

local lark = cloudcal.lark(options)
local done, failed = 0, 0

local function is_right(primary, err)
    if mode == "refused" then return err and err.kind == "rate_limited" end
    return primary and primary.calendar.calendar_id
end

local function call()
    if not is_right(lark:primary_calendar()) then failed = failed + 1 end
    done = done + 1
    if done == 1 then
        io.write("first\n")
        io.flush()
    end
end

local function run_blocking(total)
    while done < total do call() end
end

local function run_tasks(total)
    local loop, begun = cloudcal.loop(), done
    for _ = 1, at_once do
        loop:spawn(function()
            while begun < total do
                begun = begun + 1
                call()
            end
        end)
    end
    loop:run()
end

local run = at_once > 1 and run_tasks or run_blocking
run(warm)
local count, now = require "count", require "cloudcal.core".now
local wall, cpu = now(), os.clock()
count.begin()
run(warm + calls)
count.finish()
print(("steady %d %.6f %.6f %d"):format(calls, now() - wall, os.clock() - cpu, failed))
os.exit(failed == 0, true)
