-- Binds an Exchange account to a user, and follows the first sync to its end:
--   lua5.4 examples/wait_for_binding.lua ADMIN_ACCOUNT EXCHANGE_ACCOUNT USER_ID
-- or follows a binding that is there already:
--   lua5.4 examples/wait_for_binding.lua EXCHANGE_BINDING_ID
-- FEISHU_USER_ACCESS_TOKEN in the environment is that of a super administrator,
-- CLOUDCAL_BASE_URL and CLOUDCAL_CA_FILE are those of another server. Without the token the service
-- is a sandbox on this machine, and the accounts may be left out.
-- Ends with 0: the calendars are there; 1: it did not work, and stderr says why; 2: wrong use; 3:
-- the sync goes on: follow it by its id, do not bind again; 4: nobody knows whether the account was
-- bound: look before you bind again; 130: Ctrl-C.

local cloudcal = require "cloudcal"

local FAILED, WRONG_USE, GOES_ON, UNKNOWN, INTERRUPTED = 1, 2, 3, 4, 130

local MAX_WAIT = tonumber(os.getenv "MAX_WAIT" or 600) -- seconds

local own_token = os.getenv "FEISHU_USER_ACCESS_TOKEN"

local SAY = {
    doing = "bound, the sync has begun", cal_done = "the calendars are there",
    timespan_done = "the events of the near future are there", done = "all events are there",
}

local function say(...)
    io.stderr:write(string.format(...), "\n")
end

local function client()
    local token = own_token
    local base_url, ca_file = os.getenv "CLOUDCAL_BASE_URL", os.getenv "CLOUDCAL_CA_FILE"
    if not token then
        local sandbox = assert(require("cloudcal.sandbox").start { sync_seconds = 3 })
        token, ca_file = sandbox.feishu.user_access_token, sandbox.ca_file
        base_url = sandbox.feishu.base_url
    end
    return cloudcal.feishu { -- or cloudcal.lark
        user_access_token = token, base_url = base_url, ca_file = ca_file,
    }
end

local function fail(err, status)
    say("%s", tostring(err))
    return status or FAILED
end

-- @return the id of the binding; or nil and the exit status
local function bind(feishu, admin, account, user)
    local binding, err = feishu:create_exchange_binding(
        { admin_account = admin, exchange_account = account, user_id = user },
        { user_id_type = "open_id" })
    if binding then return binding.exchange_binding_id end
    return nil, fail(err, err.acted ~= "no" and UNKNOWN or nil)
end

local function follow(feishu, id)
    print(id) -- whatever comes now: with it the sync can be followed again
    io.stdout:flush()
    local began, last = os.time(), nil
    local binding, err = feishu:wait_exchange_binding(id, {
        max_wait = MAX_WAIT, interval = math.min(2, MAX_WAIT / 4),
        on_progress = function(now)
            if now.status == last then return end
            last = now.status
            say("%4d s  %s", os.time() - began, SAY[last] or tostring(last))
        end,
    })
    if binding then return 0 end
    return fail(err, err.name == "exchange_sync_late" and GOES_ON or nil)
end

local function main()
    local words = arg
    if #arg == 0 and not own_token then
        words = { "admin@example.com", "someone@example.com", "ou_xxxxxxxxxxxxxxxxxx" }
    end
    if #words ~= 1 and #words ~= 3 then
        say "use: lua5.4 examples/wait_for_binding.lua ADMIN_ACCOUNT EXCHANGE_ACCOUNT USER_ID"
        say "or:  lua5.4 examples/wait_for_binding.lua EXCHANGE_BINDING_ID"
        return WRONG_USE
    end
    local feishu = client()
    if #words == 1 then return follow(feishu, words[1]) end
    local id, status = bind(feishu, words[1], words[2], words[3])
    return id and follow(feishu, id) or status
end

local ok, status = pcall(main)
if not ok then
    local is_interrupted = tostring(status):find("interrupted!", 1, true)
    say("%s", is_interrupted and "interrupted" or tostring(status))
    status = is_interrupted and INTERRUPTED or FAILED
end
os.exit(status, true)
