-- Store apps: a ticket, an app token, and a tenant token for each tenant.

local cloudcal = require "cloudcal"
local json = require "cloudcal.json"
local lua = require "spec.lua"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

local APP = "/open-apis/auth/v3/app_access_token"
local TENANT = "/open-apis/auth/v3/tenant_access_token"
local RESEND = "/open-apis/auth/v3/app_ticket/resend"
local PRIMARY = "/open-apis/calendar/v4/calendars/primary"

local STEPS = { [APP] = "app", [TENANT] = "tenant", [RESEND] = "resend", [PRIMARY] = "call" }

local REMEMBERED = 6 -- seconds; a refusal of credentials is forgotten by then

local known = support.sandbox().feishu

local function client_of(changes)
    local given = {
        app_id = known.app_id, app_secret = known.app_secret, app_type = "store",
        rate_limit = false, store = cloudcal.stores.memory(), retry = { max_delay = 0 },
    }
    for name, value in pairs(changes or {}) do given[name] = value end
    return support.client("feishu", given)
end

local numbers = 0

-- A tenant of which nothing is remembered.
local function new_tenant()
    numbers = numbers + 1
    return "tenant-" .. numbers
end

-- A client of a tenant, and with the ticket.
local function ready(changes, tenant_key)
    local client = client_of(changes):with { tenant_key = tenant_key or new_tenant() }
    assert.is_true((client:set_app_ticket(support.ticket "feishu")))
    return client
end

-- What the service saw of what `act` did: "app tenant call", for example.
local function seen_of(act)
    support.clear "feishu"
    act()
    local steps = {}
    for i, request in ipairs(support.requests "feishu") do
        steps[i] = STEPS[request.path] or request.path
    end
    support.clear "feishu"
    return table.concat(steps, " ")
end

local function sees(wanted, act)
    assert.equal(wanted, seen_of(act))
end

local function works(client, options)
    return function() assert.is_table((client:primary_calendar(options))) end
end

-- Makes a call that fails.
local function fails(client, wanted, options)
    return function()
        local result, err = client:primary_calendar(options)
        assert.is_nil(result)
        for name, value in pairs(wanted) do assert.equal(value, err[name], name) end
        assert.equal("no", err.acted)
        assert.is_truthy(err.hint)
        assert.is_truthy(err.hint_zh)
    end
end

local function body_of(path)
    for _, request in ipairs(support.requests "feishu") do
        if request.path == path then return json.decode(request.body) end
    end
end

describe("a store app", function()
    it("turns its ticket into an app token, and that into the tenant's", function()
        local client = ready({}, "tenant-first")
        support.clear "feishu"
        works(client)()
        assert.same({ app_id = known.app_id, app_secret = "***", app_ticket = "***" },
            body_of(APP))
        assert.same({ app_access_token = "***", tenant_key = "tenant-first" }, body_of(TENANT))
        sees("call", works(client))
    end)

    it("is called isv, too", function()
        sees("app tenant call", works(ready { app_type = "isv" }))
    end)

    it("has a token for each tenant, and one of its own", function()
        local client, first, second = ready(), new_tenant(), new_tenant()
        local before = support.state "feishu"
        sees("app tenant call", works(client, { tenant_key = first }))
        sees("tenant call", works(client, { tenant_key = second }))
        sees("call call", function()
            works(client, { tenant_key = first })()
            works(client, { tenant_key = second })()
        end)
        local function owner(tenant_key)
            return cloudcal.assert(client:primary_calendar { tenant_key = tenant_key }).user_id
        end
        assert.equal(before.tenant_tokens + 2, support.state("feishu").tenant_tokens)
        assert.equal(owner(first), owner(first))
        assert.not_equal(owner(first), owner(second))
    end)

    it("acts for the tenant of the call, before that of the view", function()
        local first, second = new_tenant(), new_tenant()
        local view = ready({}, first)
        works(view)()
        sees("tenant call", works(view, { tenant_key = second }))
        sees("call", works(view:with { tenant_key = second }))
        sees("call", works(view))
    end)

    it("needs a tenant, and sends nothing without one", function()
        local client = client_of()
        client:set_app_ticket(support.ticket "feishu")
        for _, app_type in ipairs { "store", "isv" } do
            sees("", fails(client:with { app_type = app_type }, {
                kind = "invalid_request", name = "missing_tenant_key", field = "tenant_key",
                stage = "check", retryable = false,
            }))
        end
    end)

    it("needs no ticket for a token that it is given", function()
        sees("call", works(client_of { tenant_access_token = known.tenant_access_token }))
        sees("call", works(client_of(), { token = known.tenant_access_token }))
    end)

    it("is told of a tenant that has not installed it", function()
        local client = ready({}, "elsewhere-" .. os.time())
        sees("app tenant", fails(client, {
            kind = "app_setup", code = 10013, stage = "token", retryable = false,
        }))
        -- which says nothing of others
        sees("tenant call", works(client, { tenant_key = new_tenant() }))
        sees("", fails(client, { code = 10013, stage = "token" }))
        pipeline.moved("now", REMEMBERED, function()
            sees("tenant", fails(client, { code = 10013, stage = "token" }))
        end)
    end)

    it("renews its tokens early, and one at a time", function()
        local client = ready()
        works(client)()
        pipeline.moved("now", 7200 - 320, function() sees("call", works(client)) end)
        pipeline.moved("now", 7200 - 280, function()
            sees("app tenant call", works(client))
            sees("call", works(client))
        end)
    end)

    it("uses what it has while an early renewal fails", function()
        local client = ready()
        works(client)()
        pipeline.moved("now", 7200 - 280, function()
            sees("app tenant call", function()
                support.path_faults("feishu", APP, "html_502")
                support.path_faults("feishu", TENANT, "html_502")
                works(client)()
            end)
            sees("call", works(client))
        end)
    end)

    it("fetches once for 50 calls at once", function()
        local client = ready()
        local list = {}
        for i = 1, 50 do list[i] = i end
        local seen = seen_of(function()
            local results, errors = cloudcal.map(list, function()
                return client:primary_calendar()
            end, { concurrency = 50 })
            assert.is_nil(errors)
            assert.equal(50, results.n)
        end)
        assert.equal("app tenant" .. (" call"):rep(50), seen)
    end)

    it("fetches one app token for many tenants at once", function()
        local client, tenants = ready(), {}
        for i = 1, 10 do tenants[i] = new_tenant() end
        local seen = seen_of(function()
            local _, errors = cloudcal.map(tenants, function(tenant_key)
                return client:primary_calendar { tenant_key = tenant_key }
            end, { concurrency = 10 })
            assert.is_nil(errors)
        end)
        local counts = {}
        for step in seen:gmatch("%a+") do counts[step] = (counts[step] or 0) + 1 end
        assert.same({ app = 1, tenant = 10, call = 10 }, counts)
    end)

    it("fails 20 calls at once with one fetch", function()
        local client, list = ready { app_secret = "of_nobody" }, {}
        for i = 1, 20 do list[i] = i end
        sees("app", function()
            local _, errors = cloudcal.map(list, function()
                return client:primary_calendar()
            end, { concurrency = 20 })
            for i = 1, 20 do assert.equal("app_setup", errors[i].kind) end
        end)
    end)

    it("keeps tokens with the store that has the ticket", function()
        local store = cloudcal.stores.memory()
        local tenant_key = new_tenant()
        local client = ready({ store = store }, tenant_key)
        works(client)()
        sees("call", works(client_of { store = store }, { tenant_key = tenant_key }))
    end)
end)

describe("an app token", function()
    it("that is refused is replaced once", function()
        local client = ready()
        works(client)()
        support.revoke("feishu", "app")
        sees("tenant app tenant call", works(client, { tenant_key = new_tenant() }))
        sees("call", works(client))
    end)

    it("that is refused again is the end", function()
        for _, code in ipairs { 99991664, 20014 } do
            local client = ready()
            sees("app tenant app tenant", function()
                support.path_faults("feishu", TENANT, tostring(code), tostring(code))
                fails(client, {
                    kind = "unauthenticated", code = code, stage = "token", retryable = false,
                })()
            end)
            sees("app tenant call", works(client))
        end
    end)

    it("of a kept one that is refused is fetched anew for a call that may not be repeated",
        function()
            local client = ready()
            works(client)()
            support.revoke("feishu", "app")
            sees("tenant app tenant call", function()
                assert.is_table((client:request { method = "POST", path = PRIMARY, body = {},
                                                  tenant_key = new_tenant() }))
            end)
        end)
end)

describe("a tenant token", function()
    it("that is revoked is fetched anew with the app token at hand", function()
        local client = ready()
        works(client)()
        support.revoke("feishu", "tenant")
        sees("call tenant call", works(client))
    end)
end)

-- The platform is asked to push a ticket once a minute; each of these specs has its own minutes.
local minutes = 0

local function in_other_minutes(body)
    minutes = minutes + 10
    pipeline.moved("now", minutes * 60, body)
end

describe("the ticket", function()
    local MISSING = { kind = "app_setup", name = "app_ticket_missing", stage = "token",
                      retryable = false }

    it("that is missing is asked for, once a minute", function()
        in_other_minutes(function()
            local client = client_of()
            sees("resend", function()
                for _ = 1, 5 do fails(client, MISSING, { tenant_key = new_tenant() })() end
            end)
            pipeline.moved("now", 59, function()
                sees("", fails(client, MISSING, { tenant_key = new_tenant() }))
            end)
            pipeline.moved("now", 61, function()
                sees("resend", fails(client, MISSING, { tenant_key = new_tenant() }))
            end)
        end)
    end)

    it("that is missing is asked for once by many calls at once", function()
        in_other_minutes(function()
            local client, tenants = client_of(), {}
            for i = 1, 20 do tenants[i] = new_tenant() end
            sees("resend", function()
                local _, errors = cloudcal.map(tenants, function(tenant_key)
                    return client:primary_calendar { tenant_key = tenant_key }
                end, { concurrency = 20 })
                for i = 1, 20 do assert.equal("app_ticket_missing", errors[i].name) end
            end)
        end)
    end)

    it("is used as soon as it is there", function()
        in_other_minutes(function()
            local client = client_of():with { tenant_key = new_tenant() }
            sees("resend", fails(client, MISSING))
            sees("", function() client:set_app_ticket(support.ticket "feishu") end)
            sees("app tenant call", works(client))
        end)
    end)

    it("that is stale is asked for, and the next one is used at once", function()
        in_other_minutes(function()
            local client = ready()
            support.revoke("feishu", "ticket")
            local stale = { kind = "app_setup", code = 10012, stage = "token", retryable = false }
            sees("app resend", fails(client, stale))
            -- the refusal is remembered for a moment, and no second push asked for
            sees("", fails(client, stale))
            assert.is_true((client:set_app_ticket(support.ticket "feishu")))
            sees("app tenant call", works(client))
        end)
    end)

    it("that is stale does not matter while there is an app token", function()
        local client = ready()
        works(client)()
        support.revoke("feishu", "ticket")
        sees("tenant call", works(client, { tenant_key = new_tenant() }))
    end)

    it("cannot be asked for where the platform is away: the call says what is missing", function()
        in_other_minutes(function()
            local lines = {}
            local client = client_of {
                retry = false,
                logger = function(_, message, fields)
                    lines[#lines + 1] = message .. " " .. tostring(fields.failed)
                end,
            }
            sees("resend", function()
                support.path_faults("feishu", RESEND, "html_502")
                fails(client, MISSING, { tenant_key = new_tenant() })()
            end)
            local text = table.concat(lines, "\n")
            assert.is_truthy(text:find("asked the platform for the app ticket", 1, true))
            assert.is_truthy(text:find("502", 1, true))
        end)
    end)
end)

local function results_of(act)
    local values = lua.pack(act())
    assert.equal(3, values.n)
    assert.is_table(values[3])
    return values[1], values[2], values[3]
end

describe("set_app_ticket", function()
    it("returns true, nil and meta, and sends nothing", function()
        sees("", function()
            local result, err, meta = results_of(function()
                return client_of():set_app_ticket "ticket-1"
            end)
            assert.is_true(result)
            assert.is_nil(err)
            assert.equal(0, meta.attempts)
        end)
    end)

    it("is refused without a store, and without an app", function()
        local result, err = results_of(function()
            return client_of { store = false }:set_app_ticket "ticket-1"
        end)
        assert.is_nil(result)
        assert.same({ "invalid_request", "store_needed", "store", "token", "no", false },
            { err.kind, err.name, err.field, err.stage, err.acted, err.retryable })
        result, err = results_of(function()
            return support.client("feishu", {}):set_app_ticket "ticket-1"
        end)
        assert.is_nil(result)
        assert.equal("no_credentials", err.name)
    end)

    it("raises where the program is wrong", function()
        local client = client_of()
        pipeline.raises(function() client:set_app_ticket() end, "ticket")
        pipeline.raises(function() client:set_app_ticket(5) end, "ticket", "number")
        pipeline.raises(function() client.set_app_ticket "x" end, "colon")
    end)
end)

describe("resend_app_ticket", function()
    it("returns true, nil and meta", function()
        local before = support.ticket "feishu"
        sees("resend", function()
            local result, err, meta = results_of(function()
                return client_of():resend_app_ticket()
            end)
            assert.is_true(result)
            assert.is_nil(err)
            assert.equal(200, meta.status)
            assert.equal(1, meta.attempts)
            assert.is_string(meta.log_id)
        end)
        assert.not_equal(before, support.ticket "feishu")
    end)

    it("is not held back by what the library has asked for", function()
        local client = client_of { store = false }
        sees("resend resend", function()
            assert.is_true((client:resend_app_ticket()))
            assert.is_true((client:resend_app_ticket()))
        end)
    end)

    it("says why it failed", function()
        for secret, wanted in pairs {
            ["of_nobody"] = "app_setup", [known.app_secret] = "rate_limited",
        } do
            if wanted == "rate_limited" then
                support.path_faults("feishu", RESEND, "99991400", "99991400", "99991400")
            end
            local result, err, meta = results_of(function()
                return client_of { app_secret = secret }:resend_app_ticket()
            end)
            assert.is_nil(result)
            assert.equal(wanted, err.kind)
            assert.equal("token", err.stage)
            assert.equal("no", err.acted)
            assert.equal("auth.v3.app_ticket.resend", err.operation)
            assert.equal(wanted == "rate_limited" and 3 or 1, meta.attempts)
        end
        local _, err = support.client("feishu", {}):resend_app_ticket()
        assert.equal("no_credentials", err.name)
    end)
end)
