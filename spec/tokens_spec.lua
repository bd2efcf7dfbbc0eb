-- Which identity a call has, and where its token comes from.

local core = require "cloudcal.core"
local pipeline = require "spec.pipeline"
local support = require "spec.support"
local tokens = require "cloudcal.tokens"

local PRIMARY = "/open-apis/calendar/v4/calendars/primary"

local known = support.sandbox().feishu

local function merged(first, second)
    local result = {}
    for key, value in pairs(first) do result[key] = value end
    for key, value in pairs(second or {}) do result[key] = value end
    return result
end

-- these specs move the clock, which a rate limit would remember
local app = { app_id = known.app_id, app_secret = known.app_secret, rate_limit = false }
local user = { user_access_token = known.user_access_token }
local both = merged(app, user)

local function client_of(changes) return support.client("feishu", changes) end

local function run(client, options, faults)
    return pipeline.run("feishu", faults or {}, function()
        return client:primary_calendar(options)
    end)
end

local REMEMBERED = 6 -- seconds; a refusal of credentials is forgotten by then

-- Makes the next call of the app fetch its token: the endpoint of the call or of the token
-- answers with a code that leaves none.
local function forget_tokens()
    pipeline.moved("now", REMEMBERED, function()
        local seen = run(client_of(app), { retry = false }, { "none", "99991663" })
        if not seen.err then seen = run(client_of(app), { retry = false }, { "99991663" }) end
        assert.equal("unauthenticated", seen.err.kind)
    end)
end

local function used(seen)
    return seen.calls[1].headers.authorization
end

local function refuses(client, options, kind, field, stage)
    local seen = run(client, options)
    assert.is_nil(seen.result)
    assert.equal(kind, seen.err.kind)
    assert.equal(field, seen.err.field)
    assert.equal(stage, seen.err.stage)
    assert.equal("no", seen.err.acted)
    assert.is_false(seen.err.retryable)
    assert.equal(0, #seen.requests)
    return seen.err
end

describe("the identity of a call", function()
    it("is that of its literal token, before all else", function()
        local client = client_of(merged(both, { identity = "tenant" }))
        assert.equal("Bearer u-***", used(run(client, {
            token = known.user_access_token, identity = "tenant" })))
        client = client_of(merged(both, { identity = "user" }))
        assert.equal("Bearer t-***", used(run(client, {
            token = known.tenant_access_token, identity = "user" })))
    end)

    it("is the one that the call names, before the client's", function()
        local client = client_of(merged(both, { identity = "tenant" }))
        assert.equal("Bearer u-***", used(run(client, { identity = "user" })))
        client = client_of(merged(both, { identity = "user" }))
        assert.equal("Bearer t-***", used(run(client, { identity = "tenant" })))
    end)

    it("is the client's", function()
        assert.equal("Bearer u-***", used(run(client_of(merged(both, { identity = "user" })))))
        assert.equal("Bearer t-***", used(run(client_of(merged(both, { identity = "tenant" })))))
    end)

    it("is the only kind that the endpoint takes", function()
        local seen = pipeline.run("feishu", {}, function()
            return client_of(both):generate_caldav_conf()
        end)
        assert.is_table(seen.result)
        assert.equal("Bearer u-***", used(seen))
    end)

    it("is the only kind that is configured", function()
        assert.equal("Bearer u-***", used(run(client_of(user))))
        assert.equal("Bearer t-***", used(run(client_of(app))))
        assert.equal("Bearer t-***", used(run(client_of {
            tenant_access_token = known.tenant_access_token })))
    end)

    it("must be chosen when two fit", function()
        refuses(client_of(both), nil, "invalid_request", "identity", "check")
        refuses(client_of { user_access_token = "u-1", tenant_access_token = "t-1" }, nil,
            "invalid_request", "identity", "check")
        local seen = pipeline.run("feishu", {}, function()
            return client_of(both):request { path = PRIMARY }
        end)
        assert.equal("identity", seen.err.field)
    end)

    it("must be one that the endpoint takes", function()
        for _, way in ipairs { { both, { identity = "tenant" } },
                               { merged(both, { identity = "tenant" }), {} } } do
            local seen = pipeline.run("feishu", {}, function()
                return client_of(way[1]):generate_caldav_conf({}, way[2])
            end)
            assert.equal("invalid_request", seen.err.kind)
            assert.equal("identity", seen.err.field)
            assert.equal(0, #seen.requests)
        end
    end)

    it("needs credentials", function()
        refuses(client_of {}, nil, "unauthenticated", nil, "token")
        refuses(client_of(user), { identity = "tenant" }, "unauthenticated", nil, "token")
        local seen = pipeline.run("feishu", {}, function()
            return client_of { tenant_access_token = "t-1" }:generate_caldav_conf()
        end)
        assert.equal("unauthenticated", seen.err.kind)
        assert.equal("token", seen.err.stage)
    end)

    it("of an app may be a user's, who has to log in", function()
        for _, options in ipairs { { identity = "user" }, { user = "alice" } } do
            refuses(client_of(app), options, "login_required", nil, "token")
        end
        local seen = pipeline.run("feishu", {}, function()
            return client_of(app):generate_caldav_conf()
        end)
        assert.equal("login_required", seen.err.kind)
        assert.equal("not_logged_in", seen.err.name)
        assert.equal(0, #seen.requests)
    end)

    it("is refused as a tenant's with user_id_type = user_id", function()
        refuses(client_of(app), { user_id_type = "user_id" }, "invalid_request",
            "query.user_id_type", "check")
        assert.is_table(run(client_of(user), { user_id_type = "user_id" }).result)
    end)
end)

describe("a literal token", function()
    it("that starts with t- is a tenant's", function()
        assert.is_table(run(client_of {}, { token = known.tenant_access_token }).result)
        local seen = pipeline.run("feishu", {}, function()
            return client_of(user):generate_caldav_conf({}, { token = known.tenant_access_token })
        end)
        assert.equal("invalid_request", seen.err.kind)
        assert.equal("token", seen.err.field)
        assert.equal(0, #seen.requests)
    end)

    it("that starts with a- is refused", function()
        refuses(client_of(user), { token = "a-something" }, "invalid_request", "token", "check")
    end)

    it("of any other form is a user's, such as a long JWT", function()
        local jwt = "eyJhbGciOiJFUzI1NiJ9." .. ("x"):rep(4000) .. ".y_-"
        for _, token in ipairs { "u-x", jwt, "T-x", "tx", "x" } do
            local seen = pipeline.run("feishu", {}, function()
                return client_of {}:generate_caldav_conf({}, { token = token })
            end)
            assert.equal("unauthenticated", seen.err.kind)
            assert.equal("call", seen.err.stage)
            assert.equal(1, #seen.calls)
        end
    end)

    it("must be one word of visible ASCII", function()
        for _, token in ipairs { "", "u-a b", "u-a\nX: y", "u-a\r\n", "u-\0", "u-\t", "u-\127",
                                 "u-é" } do
            refuses(client_of(user), { token = token }, "invalid_request", "token", "check")
            refuses(client_of { user_access_token = token }, nil, "invalid_request",
                "user_access_token", "check")
        end
    end)

    it("configured for the wrong identity is refused", function()
        refuses(client_of { user_access_token = "t-x" }, nil, "invalid_request",
            "user_access_token", "check")
        refuses(client_of { tenant_access_token = "u-x" }, nil, "invalid_request",
            "tenant_access_token", "check")
        refuses(client_of { tenant_access_token = "a-x" }, nil, "invalid_request",
            "tenant_access_token", "check")
    end)

    it("that is refused is not sent again", function()
        local seen = run(client_of {}, { token = known.user_access_token }, { "99991668" })
        assert.equal("unauthenticated", seen.err.kind)
        assert.equal(1, #seen.calls)
    end)
end)

describe("a token function", function()
    it("is told of the request and called once per attempt", function()
        local asked = {}
        local client = client_of {
            retry = { max_delay = 0.01 },
            user_access_token = function(request)
                asked[#asked + 1] = request
                return known.user_access_token
            end,
        }:with { user = "alice", tenant_key = "tk" }
        local seen = run(client, nil, { "190004", "99991677" })
        assert.is_table(seen.result)
        assert.same({
            { refused = false, operation = "calendar.v4.calendar.primary", user = "alice",
              tenant_key = "tk" },
            { refused = false, operation = "calendar.v4.calendar.primary", user = "alice",
              tenant_key = "tk" },
            { refused = true, operation = "calendar.v4.calendar.primary", user = "alice",
              tenant_key = "tk" },
        }, asked)
        asked = {}
        run(client, { user = "bob", tenant_key = "other" })
        assert.same({ refused = false, operation = "calendar.v4.calendar.primary",
                      user = "bob", tenant_key = "other" }, asked[1])
    end)

    it("is not called when nothing is sent", function()
        local calls = 0
        local client = client_of { user_access_token = function()
            calls = calls + 1
            return "u-x"
        end }
        client:generate_caldav_conf { device_name = 5 }
        assert.equal(0, calls)
    end)

    it("may give another token after a refusal, once", function()
        local given = { "u-old", known.user_access_token }
        local client = client_of { user_access_token = function()
            return table.remove(given, 1)
        end }
        local seen = run(client)
        assert.is_table(seen.result)
        assert.equal(2, #seen.calls)
        local calls = 0
        client = client_of { user_access_token = function(request)
            calls = calls + 1
            assert.equal(calls == 2, request.refused)
            return "u-bad" .. calls
        end }
        seen = run(client)
        assert.equal("unauthenticated", seen.err.kind)
        assert.equal(2, #seen.calls)
        assert.equal(2, calls)
    end)

    it("may give a tenant's token", function()
        local client = client_of { tenant_access_token = function()
            return known.tenant_access_token
        end }
        assert.equal("Bearer t-***", used(run(client)))
    end)

    it("may say that it has none", function()
        local client = client_of { user_access_token = function() return nil, "not signed in" end }
        local err = refuses(client, nil, "unauthenticated", nil, "token")
        assert.truthy(tostring(err):find("not signed in", 1, true))
        refuses(client_of { user_access_token = function() end }, nil, "unauthenticated", nil,
            "token")
    end)

    it("that gives something else is refused", function()
        for _, value in ipairs { 5, true, {}, print } do
            refuses(client_of { user_access_token = function() return value end }, nil,
                "unauthenticated", nil, "token")
        end
        for _, token in ipairs { "", "u-a\r\nX: y", "t-x", "a-x" } do
            refuses(client_of { user_access_token = function() return token end }, nil,
                "invalid_request", "user_access_token", "token")
        end
    end)

    it("may yield inside a coroutine", function()
        local client = client_of { user_access_token = function()
            return coroutine.yield "token, please"
        end }
        local thread = coroutine.create(function() return client:primary_calendar() end)
        local _, question = coroutine.resume(thread)
        assert.equal("token, please", question)
        local _, calendar = coroutine.resume(thread, known.user_access_token)
        assert.is_table(calendar.calendar)
    end)

    it("that takes too long ends the call", function()
        local client = client_of { timeout = 0.1, user_access_token = function()
            core.sleep(0.15)
            return known.user_access_token
        end }
        local seen = run(client)
        assert.equal("timeout", seen.err.kind)
        assert.equal("no", seen.err.acted)
        assert.equal(0, #seen.requests)
    end)
end)

describe("the tenant token of an app", function()
    before_each(forget_tokens)

    it("is fetched at the first need, once for many calls and clients", function()
        local seen = pipeline.run("feishu", {}, function()
            for _ = 1, 5 do assert(client_of(app):primary_calendar()) end
            return client_of(app):with { tenant_key = "x" }:primary_calendar()
        end)
        assert.equal(1, #seen.tokens)
        assert.equal(6, #seen.calls)
        assert.equal('{"app_id":"' .. app.app_id .. '","app_secret":"***"}',
            (seen.tokens[1].body:gsub('("app_secret":"%*%*%*"),("app_id":"[^"]*")', "%2,%1")))
    end)

    it("is fetched by no constructor and for no user call", function()
        local seen = pipeline.run("feishu", {}, function()
            return client_of(merged(both, { identity = "user" })):primary_calendar()
        end)
        assert.equal(0, #seen.tokens)
    end)

    it("belongs to secret and host", function()
        assert.is_table(run(client_of(app)).result)
        local seen = run(client_of { app_id = app.app_id, app_secret = "another" })
        assert.equal(1, #seen.tokens)
        assert.equal(0, #seen.calls)
        assert.equal("app_setup", seen.err.kind)
        seen = run(client_of { app_id = "cli_another", app_secret = app.app_secret })
        assert.equal(1, #seen.tokens)
        assert.equal("app_setup", seen.err.kind)
        local lark = support.sandbox().lark
        seen = pipeline.run("lark", {}, function()
            return support.client("lark", { app_id = lark.app_id,
                app_secret = lark.app_secret }):primary_calendar()
        end)
        assert.equal(1, #seen.tokens)
        assert.is_table(seen.result)
        -- the good one is still there
        assert.equal(0, #run(client_of(app)).tokens)
    end)

    it("is not kept with store = false", function()
        local client = client_of(merged(app, { store = false }))
        assert.equal(1, #run(client).tokens)
        assert.equal(1, #run(client).tokens)
        assert.equal(1, #run(client_of(app)).tokens)
        assert.equal(0, #run(client_of(app)).tokens)
    end)

    it("may have its secret from a function", function()
        local client = client_of { app_id = app.app_id,
            app_secret = function() return app.app_secret end }
        local seen = run(client)
        assert.is_table(seen.result)
        assert.equal(1, #seen.tokens)
        assert.equal(0, #run(client_of(app)).tokens)
        for _, value in ipairs { "", 5, false } do
            client = client_of { app_id = app.app_id, app_secret = function() return value end }
            refuses(client, nil, "unauthenticated", nil, "token")
        end
    end)

    it("is renewed early", function()
        assert.equal(1, #run(client_of(app)).tokens)
        pipeline.moved("now", 7200 - 320, function()
            assert.equal(0, #run(client_of(app)).tokens)
        end)
        pipeline.moved("now", 7200 - 280, function()
            assert.equal(1, #run(client_of(app)).tokens)
            assert.equal(0, #run(client_of(app)).tokens)
        end)
    end)

    it("is used while an early renewal fails, at no great cost", function()
        for _, fault in ipairs { "html_502", "10003" } do
            forget_tokens()
            assert.equal(1, #run(client_of(app)).tokens)
            pipeline.moved("now", 7200 - 280, function()
                local seen = run(client_of(app), nil, { fault })
                assert.is_table(seen.result)
                assert.equal(1, #seen.tokens)
                assert.equal(0, #run(client_of(app)).tokens)
                pipeline.moved("now", 20, function()
                    assert.equal(1, #run(client_of(app), nil, { fault }).tokens)
                end)
            end)
        end
    end)

    it("is asked for again five seconds after the app was refused, not sooner", function()
        for _, fault in ipairs { "10003", "10014", "10015" } do
            forget_tokens()
            local first = run(client_of(app), nil, { fault })
            local second = run(client_of(app))
            assert.equal(1, #first.tokens)
            assert.equal(0, #second.requests)
            assert.equal("app_setup", second.err.kind)
            assert.equal(tostring(first.err), tostring(second.err))
            -- another secret is another matter
            assert.equal(1, #run(client_of(merged(app, { app_secret = "x" .. fault }))).tokens)
            pipeline.moved("now", REMEMBERED, function()
                assert.is_table(run(client_of(app)).result)
            end)
        end
    end)

    it("is asked for again at once when the service failed otherwise", function()
        local seen = run(client_of(app), { retry = false }, { "html_502" })
        assert.equal("service_error", seen.err.kind)
        assert.is_table(run(client_of(app)).result)
    end)

    it("is used while an early renewal hangs", function()
        assert.equal(1, #run(client_of(app)).tokens)
        pipeline.moved("now", 7200 - 280, function()
            local seen = run(client_of(app), { timeout = 1.2 }, { "stalled" })
            assert.is_table(seen.result)
            assert.is_true(seen.elapsed < 1.2)
        end)
    end)

    it("is not used after its time when the renewal fails", function()
        assert.equal(1, #run(client_of(app)).tokens)
        pipeline.moved("now", 7201, function()
            local seen = run(client_of(app), { retry = false }, { "html_502" })
            assert.equal("service_error", seen.err.kind)
            assert.equal(0, #seen.calls)
        end)
    end)

    it("is dropped once when it is refused", function()
        run(client_of(app))
        for _, code in ipairs { "99991663", "99991664", "99991665", "99991671", "20005" } do
            local seen = run(client_of(app), nil, { code })
            assert.is_table(seen.result)
            assert.equal(2, #seen.calls)
            assert.equal(1, #seen.tokens)
            assert.equal(2, seen.meta.attempts)
        end
    end)

    it("that is refused again is the end", function()
        run(client_of(app))
        local seen = run(client_of(app), nil, { "99991663", "none", "99991663", "99991663" })
        assert.equal("unauthenticated", seen.err.kind)
        assert.equal(99991663, seen.err.code)
        assert.equal("no", seen.err.acted)
        assert.is_false(seen.err.retryable)
        assert.equal(2, #seen.calls)
        assert.equal(1, #seen.tokens)
    end)

    it("is also fetched anew by a call that may not be repeated", function()
        run(client_of(app))
        local seen = pipeline.run("feishu", { "99991663" }, function()
            return client_of(app):request { method = "POST", path = PRIMARY }
        end)
        assert.is_table(seen.result)
        assert.equal(2, #seen.calls)
        assert.equal(1, #seen.tokens)
    end)

    it("that is refused with retry = false is dropped, and the call ends", function()
        run(client_of(app))
        local seen = run(client_of(app), { retry = false }, { "99991663" })
        assert.equal("unauthenticated", seen.err.kind)
        assert.equal(1, #seen.calls)
        assert.equal(1, #run(client_of(app)).tokens)
    end)

    it("waits for nothing more when the endpoint takes no such token", function()
        run(client_of(app))
        local seen = pipeline.run("feishu", {}, function()
            return client_of(app):request { method = "POST",
                path = "/open-apis/calendar/v4/settings/generate_caldav_conf" }
        end)
        assert.equal("unauthenticated", seen.err.kind)
        assert.equal("tenant access token not support", seen.err.msg)
        assert.equal(1, #seen.calls)
        assert.equal(0, #seen.tokens)
    end)

    it("that is no word of ASCII is not sent", function()
        local fetched = { "t-a\r\nX: y", "t-a b", "", "t-\0" }
        for _, token in ipairs(fetched) do
            local call = { client = merged(app, { store = false }), options = {}, secrets = {},
                           identity = "tenant", endpoint = {}, base_url = "x",
                           deadline = math.huge }
            function call.fetch() return { tenant_access_token = token, expire = 7200 } end
            local got, found = tokens.get(call)
            assert.is_nil(got)
            assert.equal("token", found.stage)
            assert.equal("tenant_access_token", found.field)
        end
    end)
end)

describe("user access token not support", function()
    it("is not tried again", function()
        local msg = '{"code":99991668,"msg":"user access token not support"}'
        local answer = pipeline.answer(msg, nil, "400 Bad Request")
        pipeline.with_scripted("feishu", { answer },
            { user_access_token = function() return "u-x" end }, function(client, server)
                local _, err, meta = client:primary_calendar()
                assert.equal("unauthenticated", err.kind)
                assert.equal(99991668, err.code)
                assert.equal(1, meta.attempts)
                assert.equal(1, #server.requests())
            end)
    end)
end)

describe("the token stage", function()
    before_each(forget_tokens)

    it("names itself in errors, and says that the call never left", function()
        local rows = {
            ["10003"] = "app_setup", ["10014"] = "app_setup", ["10015"] = "app_setup",
            html_502 = "service_error", reset = "network", stalled = "timeout",
            bad_json = "bad_response", ["99991400"] = "rate_limited",
        }
        for fault, kind in pairs(rows) do
            forget_tokens()
            local seen = run(client_of(merged(app, { timeout = 0.5 })), { retry = false },
                { fault, fault })
            assert.equal(kind, seen.err.kind, fault)
            assert.equal("token", seen.err.stage)
            assert.equal("no", seen.err.acted)
            assert.equal("feishu", seen.err.service)
            assert.equal("calendar.v4.calendar.primary", seen.err.operation)
            assert.equal(0, #seen.calls)
            assert.equal(0, seen.meta.attempts)
            local passing = { service_error = true, network = true, timeout = true,
                              rate_limited = true }
            assert.equal(passing[kind] == true, seen.err.retryable)
        end
    end)

    it("says so too for a call that may not be repeated", function()
        local seen = pipeline.run("feishu", { "truncated" }, function()
            return client_of(app):request { method = "POST", path = PRIMARY, retry = false }
        end)
        assert.equal("no", seen.err.acted)
        assert.is_true(seen.err.retryable)
    end)

    it("is tried again when it fails for a passing reason", function()
        local seen = run(client_of(merged(app, { retry = { max_delay = 0.01 } })), nil,
            { "html_502", "truncated" })
        assert.is_table(seen.result)
        assert.equal(3, #seen.tokens)
        assert.equal(1, #seen.calls)
        assert.equal(1, seen.meta.attempts)
    end)

    it("has its place in the deadline", function()
        local seen = run(client_of(merged(app, { timeout = 0.4 })), nil, { "slow:0.2", "stalled" })
        assert.equal("timeout", seen.err.kind)
        assert.equal("call", seen.err.stage)
        assert.is_true(seen.elapsed < 10)
        forget_tokens()
        seen = run(client_of(merged(app, { timeout = 0.3 })), nil, { "stalled" })
        assert.equal("timeout", seen.err.kind)
        assert.equal("token", seen.err.stage)
        assert.is_true(seen.elapsed < 10)
    end)
end)
