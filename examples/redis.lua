-- Four processes that share a token and the rate limit through a Redis server:
--     lua5.4 examples/redis.lua [host [port]]
-- The services are a sandbox on this machine, with its own count of calls.
local cloudcal = require "cloudcal"

-- Debian's redis-lua (package lua-redis); it has no folder for Lua 5.4, and runs there
package.path = package.path .. ";/usr/share/lua/5.1/?.lua"

local PROCESSES, CALLS = 4, 30 -- calls of each process
local host, port = arg[1] or "127.0.0.1", tonumber(arg[2] or 6379)

local function connect()
    return require "redis".connect(host, port, 0.1) -- a tenth of a second
end

local function work(base_url, ca_file, app_id, app_secret)
    local shared = cloudcal.redis {
        connect = connect, prefix = "example:", processes = PROCESSES,
    }
    local feishu = cloudcal.feishu {
        base_url = base_url, ca_file = ca_file, app_id = app_id, app_secret = app_secret,
        store = shared, rate_limit = shared, logger = cloudcal.log.stderr,
    }
    local calls, refused = {}, 0
    for i = 1, CALLS do calls[i] = i end
    local _, errors = cloudcal.map(calls, function()
        local calendar, err, meta = feishu:primary_calendar()
        refused = refused + meta.attempts - 1
        return calendar, err
    end)
    print(("%d calls, %d refused by the service, errors: %s"):format(CALLS, refused,
        errors and cloudcal.pretty(errors) or "none"))
end

local function start_processes()
    local sandbox = assert(require("cloudcal.sandbox").start {})
    local feishu, pipes, started = sandbox.feishu, {}, os.time()
    for i = 1, PROCESSES do
        pipes[i] = io.popen(("%s %s %s %d work '%s' '%s' '%s' '%s'"):format(arg[-1], arg[0], host,
            port, feishu.base_url, sandbox.ca_file, feishu.app_id, feishu.app_secret))
    end
    for i, pipe in ipairs(pipes) do
        print(("process %d: %s"):format(i, pipe:read "*l" or "failed"))
        pipe:close()
    end
    print(("%d calls in about %d s; the service allows 50 in a second"):format(
        PROCESSES * CALLS, os.time() - started))
    sandbox.stop()
end

if arg[3] == "work" then work(arg[4], arg[5], arg[6], arg[7]) else start_processes() end
