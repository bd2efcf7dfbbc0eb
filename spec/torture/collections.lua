--- A full garbage collection at every VM instruction of calls to every endpoint, blocking and in a
-- loop, answered and failing: whatever the core holds without an anchor is gone by the next
-- instruction.
-- collections.lua ROUNDS

local browser = require "spec.browser"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local host = require "torture.host"
local support = require "spec.support"

local rounds = ...

local SECONDS = 300 -- of a call; under the sanitizers a collection takes its time

local function client_of(service, changes)
    local given = { rate_limit = false, retry = false, timeout = SECONDS,
                    connect_timeout = SECONDS, store = cloudcal.stores.memory() }
    for name, value in pairs(changes) do given[name] = value end
    return support.client(service, given)
end

local function of_users(service)
    return client_of(service, { user_access_token = support.sandbox()[service].user_access_token })
end

local function of_apps(service, changes)
    local known = support.sandbox()[service]
    local given = { app_id = known.app_id, app_secret = known.app_secret }
    for name, value in pairs(changes or {}) do given[name] = value end
    return client_of(service, given)
end

-- {======================================================
-- The endpoints: what is ready before the call, and the call
-- =======================================================}

local BINDING = { admin_account = "a@example.com", exchange_account = "e@example.com",
                  user_id = "ou_x" }

local function new_binding(client)
    return cloudcal.assert(client:create_exchange_binding(BINDING)).exchange_binding_id
end

local function nothing() end

local function store_app(service)
    local client = of_apps(service, { app_type = "store" }):with { tenant_key = "tenant" }
    cloudcal.assert(client:set_app_ticket(support.ticket(service)))
    return client
end

local ENDPOINTS = {
    { "calendar.v4.setting.generate_caldav_conf", of_users, nothing, function(client, _, options)
        return client:generate_caldav_conf({ device_name = "phone" }, options)
    end },
    { "calendar.v4.exchange_binding.create", of_users, nothing, function(client, _, options)
        return client:create_exchange_binding(BINDING, options)
    end },
    { "calendar.v4.exchange_binding.get", of_users, new_binding, function(client, id, options)
        return client:get_exchange_binding(id, options)
    end },
    { "calendar.v4.exchange_binding.delete", of_users, new_binding, function(client, id, options)
        return client:delete_exchange_binding(id, options)
    end },
    { "calendar.v4.calendar.primary", of_users, nothing, function(client, _, options)
        return client:primary_calendar(options)
    end },
    { "auth.v3.tenant_access_token.internal", of_apps, nothing, function(client, _, options)
        return client:primary_calendar(options)
    end },
    { "auth.v3.app_access_token", store_app, nothing, function(client, _, options)
        return client:primary_calendar(options) -- a tenant token after the app's
    end },
    { "auth.v3.app_ticket.resend", of_apps, nothing, function(client, _, options)
        return client:resend_app_ticket(options)
    end, own = true },
    { "oauth.token", of_apps, function(client)
        local code, meta = browser.begin(client)
        return { code = code, code_verifier = meta.code_verifier, user = "alice",
                 redirect_uri = browser.redirect_uri }
    end, function(client, given) return client:exchange_code(given) end, own = true },
    { "oauth.device_authorization", of_apps, nothing, function(client)
        return client:login { user = "bob", on_prompt = nothing }
    end, own = true },
}

local CALENDAR = { "allinone.putcalendar", function()
    local known = support.sandbox().youkong
    return client_of("youkong", { client_key = known.client_key, secret = known.secret })
end, nothing, function(client, _, options)
    return client:create_calendar("cs001", { CalendarName = "本地日历" }, options)
end }

-- {======================================================
-- Calls under collections
-- =======================================================}

local collections = 0

local function collect()
    collections = collections + 1
    collectgarbage()
end

local function outcome(fine, result, err)
    if not fine then return "raised: " .. tostring(result) end
    return result ~= nil and "a result" or err.kind
end

local WAYS = {
    block = function(call)
        debug.sethook(collect, "", 1)
        local fine, result, err = pcall(call)
        debug.sethook()
        return outcome(fine, result, err)
    end,
    loop = function(call)
        local loop = cloudcal.loop()
        debug.sethook(collect, "", 1) -- the task's coroutine gets it, too
        local task = loop:spawn(call)
        local fine, problem = pcall(loop.run, loop)
        debug.sethook()
        if not fine then return outcome(false, problem) end
        return outcome(true, task:result())
    end,
}

local FAULTS = { ["190003"] = "service_error", ["99991663"] = "unauthenticated",
                 truncated = "network", reset = "network", bad_json = "bad_response",
                 html_502 = "service_error" }
local fault_names = {}
for name in pairs(FAULTS) do fault_names[#fault_names + 1] = name end
table.sort(fault_names)

local tried, wrong = 0, 0

local function one(service, endpoint, way, fault)
    local name = service .. " " .. endpoint[1] .. " " .. way .. " " .. (fault or "")
    local client = endpoint[2](service)
    local ready = endpoint[3](client)
    if tried % 7 == 0 then core.engine():close() end -- a new connection now and then
    local options = not endpoint.own and { headers = { ["X-Sandbox-Fault"] = fault or "none" } }
        or nil
    local got = WAYS[way](function() return endpoint[4](client, ready, options) end)
    local wanted = fault and FAULTS[fault] or "a result"
    tried = tried + 1
    if got ~= wanted then
        wrong = wrong + 1
        print(("%s: %s, not %s"):format(name, got, wanted))
    end
end

local function each_way(service, endpoint)
    one(service, endpoint, "block")
    one(service, endpoint, "loop")
    if endpoint.own then return end
    local fault = fault_names[tried % #fault_names + 1]
    one(service, endpoint, tried % 2 == 0 and "block" or "loop", fault)
end

for _ = 1, rounds do
    for _, service in ipairs { "feishu", "lark" } do
        for _, endpoint in ipairs(ENDPOINTS) do each_way(service, endpoint) end
    end
    each_way("youkong", CALENDAR)
end

core.engine():close()
collectgarbage()
if host.leaks() then wrong = wrong + 1 end
print(("%d calls of %d endpoints, %d collections|%d"):format(tried, #ENDPOINTS + 1, collections,
    wrong))
if wrong > 0 then error "something went wrong" end
