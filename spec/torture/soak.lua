--- Many calls, one after the other and many at once: memory and descriptors stay what they were.
-- soak.lua CALLS PLAIN-PORT TLS-PORT CA-FILE

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"

local calls, plain, tls, ca_file = ...
calls = tonumber(calls)

local MOST_RSS, MOST_HEAP = 512, 64 -- KiB
local AT_ONCE = 16

local function rss()
    for line in io.lines "/proc/self/status" do
        local size = line:match "^VmRSS:%s*(%d+) kB"
        if size then return tonumber(size) end
    end
end

local function descriptors()
    local count = 0
    for number = 0, 255 do
        local file = io.open("/proc/self/fdinfo/" .. number)
        if file then
            file:close()
            count = count + 1
        end
    end
    return count
end

local function client_of(options)
    options.user_access_token, options.rate_limit = "u-1", false
    return cloudcal.feishu(options)
end

local clients = {
    client_of { base_url = "http://127.0.0.1:" .. plain, allow_plain_http = true },
    client_of { base_url = "https://127.0.0.1:" .. tls, ca_file = ca_file },
}
local nobody = client_of { base_url = "https://127.0.0.1:1", ca_file = ca_file, retry = false }

local wrong = 0

local function one(number)
    if number % 10 == 0 then -- some fail
        local body, err = nobody:request { method = "GET", path = "/open-apis/x" }
        if body or err.kind ~= "network" then wrong = wrong + 1 end
        return
    end
    local body, err = clients[number % 2 + 1]:request { method = "POST", path = "/open-apis/x",
        body = { number = number } }
    if not body or #body.data ~= 3000 then
        wrong = wrong + 1
        print(err)
    end
end

local function many(first, last)
    local loop = cloudcal.loop()
    local next_number = first
    for _ = 1, AT_ONCE do
        loop:spawn(function()
            while next_number <= last do
                next_number = next_number + 1
                one(next_number - 1)
            end
        end)
    end
    loop:run()
end

local function run(first, last)
    local middle = math.floor((first + last) / 2)
    for number = first, middle do one(number) end
    many(middle + 1, last)
    for _ = 1, 3 do collectgarbage() end
    local seen = { rss = rss(), heap = collectgarbage "count" }
    core.engine():close() -- how many connections are kept depends on how the calls met
    seen.descriptors = descriptors()
    return seen
end

local warm = math.floor(calls / 4)
local before = run(1, warm)
local after = run(warm + 1, calls)

local function expect(name, growth, most)
    if growth <= most then return end
    wrong = wrong + 1
    print(("%s grew by %g"):format(name, growth))
end

local grown = after.rss - before.rss
expect("the process", grown, MOST_RSS)
expect("the Lua heap", math.abs(after.heap - before.heap), MOST_HEAP)
expect("the count of descriptors", math.abs(after.descriptors - before.descriptors), 0)
print(("%d calls, %+d KiB, %+d KiB in Lua, %+d files|%d"):format(calls, grown,
    math.floor(after.heap - before.heap + 0.5), after.descriptors - before.descriptors, wrong))
os.exit(wrong == 0 and 0 or 1, true)
