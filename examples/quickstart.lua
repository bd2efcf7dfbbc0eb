-- The four endpoints, called over TLS: ./run demo. Here the services are a sandbox on this
-- machine; without base_url and ca_file the same lines talk to the real ones.
local cloudcal = require "cloudcal"
local sandbox = assert(require("cloudcal.sandbox").start { sync_seconds = 1 })

-- Shows a call as it stands in this file, makes it, and returns what came back.
local lines, number = {}, 0
for line in io.lines(arg[0]) do lines[#lines + 1] = line end

local function run(title, call)
    number = number + 1
    print(("\n%d. %s\n"):format(number, title))
    local where = debug.getinfo(call, "S")
    for i = where.linedefined + 1, where.lastlinedefined - 1 do
        print((lines[i]:gsub("return ", "", 1)))
    end
    print()
    return call()
end

local function show(title, call)
    local result, err, meta = run(title, call)
    cloudcal.assert(result, err)
    print(cloudcal.pretty(result))
    print(("HTTP %d, %.0f ms%s"):format(meta.status, meta.elapsed * 1000,
        meta.log_id and ", log id " .. meta.log_id or ""))
    return result
end

local function show_refusal(title, call)
    local result, err = run(title, call)
    assert(not result, "this call was expected to be refused")
    print(err)
    print(("kind = %q, acted = %q, retryable = %s"):format(
        err.kind, err.acted, tostring(err.retryable)))
end

-- Feishu: with the access token of a user ----------------------------------------------

local feishu = cloudcal.feishu {
    user_access_token = sandbox.feishu.user_access_token,           -- "u-…"
    base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
}

show("Feishu: a CalDAV account, to sync a phone", function()
    return feishu:generate_caldav_conf { device_name = "iPhone" }
end)

show_refusal("Refused before it is sent: there is no such field", function()
    return feishu:generate_caldav_conf { device_nam = "iPhone" }
end)

local binding = show("Feishu: bind an Exchange account to a user", function()
    return feishu:create_exchange_binding({
        admin_account = "admin@example.com",
        exchange_account = "someone@example.com",
        user_id = "ou_xxxxxxxxxxxxxxxxxx",
    }, { user_id_type = "open_id" })
end)

show("Feishu: wait until its first sync is done", function()
    return feishu:wait_exchange_binding(binding.exchange_binding_id, {
        interval = 0.3, max_wait = 60,
        on_progress = function(now) print("status: " .. now.status) end,
    })
end)

show_refusal("Refused by the service: a binding that does not exist", function()
    return feishu:get_exchange_binding "no-such-binding"
end)

-- Lark: with the id and the secret of an app, which get a tenant token when it is needed ---

local lark = cloudcal.lark {
    app_id = sandbox.lark.app_id, app_secret = sandbox.lark.app_secret,
    base_url = sandbox.lark.base_url, ca_file = sandbox.ca_file,
}

show("Lark: the primary calendar of the app", function()
    return lark:primary_calendar { user_id_type = "open_id" }
end)

show_refusal("Refused by the service: a token that is none", function()
    return lark:primary_calendar { token = "u-no-such-token" }
end)

-- Youkong: with the key and the secret of an account, which sign each call ----------------

local youkong = cloudcal.youkong {
    environment = "sandbox",                                        -- or "production"
    client_key = sandbox.youkong.client_key, secret = sandbox.youkong.secret,
    base_url = sandbox.youkong.base_url, ca_file = sandbox.ca_file,
}

local created = show("Youkong: create a calendar for your user cs001", function()
    return youkong:create_calendar("cs001", { CalendarName = "本地日历" })
end)

show("Youkong: give it another name", function()
    return youkong:update_calendar("cs001", {
        CalendarId = created.CalendarId, CalendarName = "本地日历修改",
    })
end)

show_refusal("Refused by the service: signed with a wrong secret", function()
    local stranger = youkong:with { secret = "not-the-secret" }
    return stranger:create_calendar("cs001", { CalendarName = "本地日历" })
end)

sandbox.stop()
print "\nAll four endpoints answered. To copy from: examples/quickstart.lua"
