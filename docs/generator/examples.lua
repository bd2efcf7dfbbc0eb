-- The examples of the reference, by owner and name of the function: one after the other, in the
-- order of the page, they are one program. No comments: both languages have the same code.

local examples = {}

examples.setup = [[
local cloudcal = require "cloudcal"
local sandbox = assert(require("cloudcal.sandbox").start { sync_seconds = 0.2 })

local function options_for(service, more)
    more.base_url, more.ca_file = sandbox[service].base_url, sandbox.ca_file
    return more
end

local feishu = cloudcal.feishu(options_for("feishu", {
    user_access_token = sandbox.feishu.user_access_token,
}))
local lark = cloudcal.lark(options_for("lark", {
    app_id = sandbox.lark.app_id, app_secret = sandbox.lark.app_secret,
}))
local youkong = cloudcal.youkong(options_for("youkong", {
    environment = "sandbox",
    client_key = sandbox.youkong.client_key, secret = sandbox.youkong.secret,
}))]]

examples["platform.generate_caldav_conf"] = [[
local account = cloudcal.assert(feishu:generate_caldav_conf { device_name = "iPhone" })
print(account.user_name, account.server_address)]]

examples["platform.create_exchange_binding"] = [[
local binding = cloudcal.assert(feishu:create_exchange_binding({
    admin_account = "admin@example.com",
    exchange_account = "someone@example.com",
    user_id = sandbox.feishu.open_id,
}, { user_id_type = "open_id" }))
print(binding.exchange_binding_id, binding.status)]]

examples["platform.get_exchange_binding"] = [[
local now = cloudcal.assert(feishu:get_exchange_binding(binding.exchange_binding_id))
print(now.status, now.exchange_account)]]

examples["platform.wait_exchange_binding"] = [[
local synced = cloudcal.assert(feishu:wait_exchange_binding(binding.exchange_binding_id, {
    max_wait = 60, interval = 0.1,
    on_progress = function(seen) print(seen.status) end,
}))
assert(synced.status == "done")]]

examples["platform.delete_exchange_binding"] = [[
cloudcal.assert(feishu:delete_exchange_binding(binding.exchange_binding_id))
local _, gone = feishu:get_exchange_binding(binding.exchange_binding_id)
assert(gone.kind == "not_found" and gone.code == 195103)]]

examples["platform.primary_calendar"] = [[
local primary = cloudcal.assert(lark:primary_calendar { user_id_type = "open_id" })
print(primary.calendar.calendar_id, primary.user_id)]]

examples["youkong.put_calendar"] = [[
local made = cloudcal.assert(youkong:put_calendar("cs001", { CalendarName = "本地日历" }))
print(made.CalendarId)]]

examples["youkong.create_calendar"] = [[
local team = cloudcal.assert(youkong:create_calendar("cs001", {
    CalendarName = "会议", CalendarColor = "#111", Tags = "team,weekly",
}))]]

examples["youkong.update_calendar"] = [[
local _, _, update = youkong:update_calendar("cs001", {
    CalendarId = team.CalendarId, CalendarName = "周会",
})
assert(update.status == 200 and not update.id_changed)]]

examples["client.request"] = [[
local body = cloudcal.assert(lark:request {
    method = "POST", path = "/open-apis/calendar/v4/calendars/primary",
    query = { user_id_type = "open_id" }, repeatable = true,
})
print(body.code, body.data.calendars[1].calendar.summary)]]

examples["client.with"] = [[
local patient = lark:with { timeout = 60, retry = { max_attempts = 5 } }
cloudcal.assert(patient:primary_calendar())]]

examples["client.warm_up"] = [[
cloudcal.assert(feishu:warm_up())]]

examples["platform.authorization_url"] = [[
local address, _, kept = lark:authorization_url {
    redirect_uri = "https://app.example.com/back", scope = "calendar:calendar:readonly",
}
print(address, kept.state, kept.code_verifier)]]

examples["platform.exchange_code"] = [[
local function on_back(query, session)
    if query.state ~= session.state then return nil, "not our login" end
    return lark:exchange_code {
        code = query.code, redirect_uri = "https://app.example.com/back",
        code_verifier = session.code_verifier, user = session.user,
    }
end]]

examples["platform.login"] = [[
local login = cloudcal.assert(lark:login {
    user = "alice", scope = "calendar:calendar:readonly offline_access",
    on_prompt = function(prompt) print(prompt.verification_uri_complete) end,
})
print(login.user, login.scope, login.expires_in)
cloudcal.assert(lark:primary_calendar { user = "alice" })]]

examples["platform.set_app_ticket"] = [[
local shop = cloudcal.lark(options_for("lark", {
    app_type = "store", app_id = sandbox.lark.app_id, app_secret = sandbox.lark.app_secret,
    store = cloudcal.stores.memory(),
}))
cloudcal.assert(shop:set_app_ticket(sandbox.lark.app_ticket))
cloudcal.assert(shop:primary_calendar { tenant_key = sandbox.lark.tenant_key })]]

examples["platform.resend_app_ticket"] = [[
cloudcal.assert(shop:resend_app_ticket())]]

examples["cloudcal.caldav.address"] = [[
print(cloudcal.caldav.address(account))]]

examples["cloudcal.caldav.profile"] = [[
local profile = cloudcal.assert(cloudcal.caldav.profile(account, { name = "Feishu calendar" }))
print(profile:match("<key>CalDAVHostName</key>%s*<string>(.-)</string>"))]]

examples["cloudcal.caldav.write_profile"] = [[
local file = os.tmpname()
cloudcal.assert(cloudcal.caldav.write_profile(account, file, { organization = "Example" }))
os.remove(file)]]

examples["cloudcal.caldav.check"] = [[
if not account.server_address:find("%.invalid$") then
    local found = cloudcal.assert(cloudcal.caldav.check(account, { timeout = 20 }))
    for _, calendar in ipairs(found.calendars) do print(calendar.name, calendar.href) end
end]]

examples["cloudcal.map"] = [[
local codes = { "cs002", "cs003", "cs004" }
local results, problems = cloudcal.map(codes, function(code)
    return youkong:create_calendar(code, { CalendarName = "会议" })
end, { concurrency = 2 })
assert(results.n == 3 and not problems)]]

examples["cloudcal.sleep"] = [[
cloudcal.assert(cloudcal.sleep(0.05))]]

examples["cloudcal.explain"] = [[
local known = cloudcal.explain(190004)
print(known.name, known.kind, known.http_status, known.hint)]]

examples["cloudcal.pretty"] = [[
print(cloudcal.pretty(primary))]]

examples["cloudcal.redis"] = [[
local shared = cloudcal.redis {
    connect = function() return require("redis").connect("127.0.0.1", 6379, 0.1) end,
    processes = 4,
}]]

examples["cloudcal.journal"] = [[
local name = os.tmpname()
os.remove(name)
local journal = cloudcal.assert(cloudcal.journal(name))
print(#journal.entries, journal.torn)]]

examples["journal.write"] = [[
cloudcal.assert(journal:write { code = "cs005" })]]

examples["journal.close"] = [[
journal:close()
os.remove(name)]]

examples["loop.spawn"] = [[
local loop = cloudcal.loop()
local task = loop:spawn(function(service) return service:primary_calendar() end, lark)
while loop:step(0.01) > 0 do
    print(loop:fd(), loop:timeout())
end
assert(task:done() and task:result().user_id)]]

examples["cloudcal.stores.file"] = [[
local path = os.tmpname()
os.remove(path)
local lasting = lark:with { store = cloudcal.stores.file(path) }
cloudcal.assert(lasting:primary_calendar())
os.remove(path)
os.remove(path .. ".lock")]]

examples["cloudcal.log.stderr"] = [[
local noisy = lark:with { logger = cloudcal.log.stderr, log_level = "debug" }
cloudcal.assert(noisy:primary_calendar())]]

examples.errors = [[
local _, err = feishu:generate_caldav_conf { device_nam = "iPhone" }
assert(err.kind == "invalid_request" and err.stage == "check" and err.acted == "no")
print(err.field, err.message, err.hint)]]

examples.sandbox = [[
local _, broken = feishu:primary_calendar {
    headers = { ["X-Sandbox-Fault"] = "html_502" }, retry = false,
}
print(broken.kind, broken.http_status, broken.acted)
sandbox.stop()]]

return examples
