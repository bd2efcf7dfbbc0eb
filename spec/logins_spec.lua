-- Logins of users: the pages, the code, the device flow, and their renewal.

local browser = require "spec.browser"
local clock = require "cloudcal.clock"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local fake_dict = require "spec.fake_dict"
local json = require "cloudcal.json"
local lua = require "spec.lua"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

local TOKEN = "/open-apis/authen/v2/oauth/token"
local REDIRECT = browser.redirect_uri

local known = support.sandbox { device_interval = 1 }.feishu

local function client_of(changes)
    local given = {
        app_id = known.app_id, app_secret = known.app_secret, rate_limit = false,
        store = cloudcal.stores.memory(), retry = { max_delay = 0.01 },
    }
    for name, value in pairs(changes or {}) do given[name] = value end
    return support.client("feishu", given)
end

local begin, log_in, query_of = browser.begin, browser.log_in, browser.query_of

local function generate(client, options)
    return function() return client:generate_caldav_conf({}, options) end
end

local function run(client, options, faults)
    return pipeline.run("feishu", faults or {}, generate(client, options))
end

local function run_refresh(client, faults, options)
    support.clear "feishu"
    support.path_faults("feishu", TOKEN, lua.unpack(faults))
    local result, err, meta = client:generate_caldav_conf({}, options)
    local seen = { result = result, err = err, meta = meta, tokens = 0, calls = 0 }
    for _, request in ipairs(support.requests "feishu") do
        local name = request.path == TOKEN and "tokens" or "calls"
        seen[name] = seen[name] + 1
    end
    support.clear "feishu"
    return seen
end

local function refuses(found, kind, name, field)
    assert.is_nil(found.result)
    assert.equal(kind, found.err.kind)
    assert.equal(name, found.err.name)
    assert.equal(field, found.err.field)
    assert.equal("token", found.err.stage)
    assert.is_truthy(found.err.hint)
    assert.is_truthy(found.err.hint_zh)
end

local function act(call)
    local result, err, meta = call()
    assert.is_table(meta)
    assert.is_true((result == nil) ~= (err == nil))
    return { result = result, err = err, meta = meta }
end

describe("authorization_url", function()
    it("is the page of the service, with all that it needs", function()
        local url, err, meta = client_of():authorization_url {
            redirect_uri = REDIRECT, scope = "calendar:calendar", state = "s 1",
            prompt = "consent",
        }
        assert.is_nil(err)
        assert.equal(1, url:find(known.base_url .. "/open-apis/authen/v1/authorize?", 1, true))
        local query = query_of(url)
        assert.same({
            client_id = known.app_id, response_type = "code", redirect_uri = REDIRECT,
            scope = "calendar:calendar offline_access", state = "s 1", prompt = "consent",
            code_challenge_method = "S256",
            code_challenge = core.base64url(core.sha256(meta.code_verifier, "raw")),
        }, query)
        assert.equal("s 1", meta.state)
        assert.is_nil(url:find(known.app_secret, 1, true))
        assert.is_nil(url:find(meta.code_verifier, 1, true))
    end)

    it("makes up state and verifier, new ones each time", function()
        local seen = {}
        for _ = 1, 20 do
            local url, _, meta = client_of():authorization_url { redirect_uri = REDIRECT }
            assert.is_truthy(meta.code_verifier:find("^[%w_-]+$"))
            assert.equal(43, #meta.code_verifier)
            assert.is_true(#meta.state >= 32)
            assert.equal(meta.state, query_of(url).state)
            assert.is_nil(seen[meta.state] or seen[meta.code_verifier])
            seen[meta.state], seen[meta.code_verifier] = true, true
        end
    end)

    it("asks for offline_access once", function()
        for given, wanted in pairs {
            ["offline_access"] = "offline_access", ["a offline_access b"] = "a offline_access b",
            ["a"] = "a offline_access", [""] = "offline_access",
            ["offline_access_x"] = "offline_access_x offline_access",
        } do
            local url = client_of():authorization_url { redirect_uri = REDIRECT, scope = given }
            assert.equal(wanted, query_of(url).scope)
        end
    end)

    it("goes to the accounts host of the service, or to accounts_url", function()
        local hosts = {
            feishu = "https://accounts.feishu.cn/", lark = "https://accounts.larksuite.com/",
        }
        for name, host in pairs(hosts) do
            local given = { app_id = "cli_1", app_secret = "x" }
            local url = cloudcal[name](given):authorization_url { redirect_uri = REDIRECT }
            assert.equal(1, url:find(host .. "open-apis/authen/v1/authorize?", 1, true))
            given.accounts_url = "https://login.example/prefix/"
            url = cloudcal[name](given):authorization_url { redirect_uri = REDIRECT }
            assert.equal(1, url:find("https://login.example/prefix/open-apis/", 1, true))
        end
    end)

    it("sends nothing", function()
        local seen = pipeline.run("feishu", {}, function()
            return client_of():authorization_url { redirect_uri = REDIRECT }
        end)
        assert.equal(0, #seen.requests)
    end)

    it("refuses what is no address, and a client without an app", function()
        for _, uri in ipairs { "", "x", "/callback", "https:///x", "https://a b", "a\nb://c" } do
            refuses(act(function() return client_of():authorization_url { redirect_uri = uri } end),
                "invalid_request", "invalid_redirect_uri", "redirect_uri")
        end
        local without = support.client("feishu", { user_access_token = "u-1" })
        refuses(act(function() return without:authorization_url { redirect_uri = REDIRECT } end),
            "unauthenticated", "no_credentials")
    end)

    it("raises where the program is wrong", function()
        local client = client_of()
        pipeline.raises(function() client:authorization_url() end, "must be a table")
        pipeline.raises(function() client:authorization_url {} end, "redirect_uri")
        pipeline.raises(function() client:authorization_url { redirect_uri = 1 } end,
            "redirect_uri")
        pipeline.raises(function() client:authorization_url { redirect_uri = "x", scop = "" } end,
            "scope")
        pipeline.raises(function() client.authorization_url {} end, "colon")
    end)
end)

describe("exchange_code", function()
    it("begins a login, which later calls use", function()
        local client = client_of()
        local login, _, meta = log_in(client, nil, "calendar:calendar")
        assert.same({ scope = "calendar:calendar offline_access", expires_in = 7200,
                      refresh_expires_in = 604800 }, login)
        assert.equal(200, meta.status)
        assert.equal(1, meta.attempts)
        assert.is_string(meta.log_id)
        local seen = run(client)
        assert.is_table(seen.result)
        assert.equal("Bearer eyJ***", seen.calls[1].headers.authorization)
        assert.equal(0, #seen.tokens)
    end)

    it("sends the form that the service asks for", function()
        local client = client_of()
        local code, meta = begin(client)
        local seen = pipeline.run("feishu", {}, function()
            return client:exchange_code { code = code, redirect_uri = REDIRECT,
                                          code_verifier = meta.code_verifier }
        end)
        assert.is_table(seen.result)
        assert.equal(TOKEN, seen.tokens[1].path)
        assert.equal("application/x-www-form-urlencoded", seen.tokens[1].headers["content-type"])
        assert.equal("client_id=" .. known.app_id .. "&client_secret=***&code=***&code_verifier=***"
            .. "&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback"
            .. "%3Fa%3D1", seen.tokens[1].body)
    end)

    it("keeps the logins of several users apart", function()
        local client = client_of()
        log_in(client, "alice")
        assert.is_table(run(client, { user = "alice" }).result)
        assert.is_table(run(client:with { user = "alice" }).result)
        refuses(run(client), "login_required", "not_logged_in")
        refuses(run(client, { user = "bob" }), "login_required", "not_logged_in")
        log_in(client:with { user = "bob" })
        assert.is_table(run(client, { user = "bob" }).result)
        assert.equal("alice", log_in(client, "alice").user)
    end)

    it("names a user's identity where the endpoint takes a tenant's too", function()
        local client = client_of()
        log_in(client, "alice")
        local function used(options)
            return pipeline.run("feishu", {}, function()
                return client:primary_calendar(options)
            end).calls[1].headers.authorization
        end
        assert.equal("Bearer eyJ***", used { user = "alice" })
        assert.equal("Bearer t-***", used())
        assert.equal("Bearer t-***", used { user = "alice", identity = "tenant" })
    end)

    it("tells why a code is refused, and keeps the login that was there", function()
        local client = client_of()
        log_in(client)
        local code, meta = begin(client)
        local function exchange(changes)
            local given = { code = code, redirect_uri = REDIRECT,
                            code_verifier = meta.code_verifier }
            for name, value in pairs(changes or {}) do given[name] = value end
            return act(function() return client:exchange_code(given) end)
        end
        local wrong = exchange { code_verifier = ("x"):rep(43) }
        assert.equal(20049, wrong.err.code)
        assert.equal("login_required", wrong.err.kind)
        wrong = exchange { redirect_uri = "https://else.example/" }
        assert.equal("invalid_request", wrong.err.kind)
        assert.is_table(exchange().result)
        local again = exchange()
        assert.equal(20065, again.err.code)
        assert.equal("login_required", again.err.kind)
        assert.equal("token", again.err.stage)
        assert.equal("authen.v2.oauth.token", again.err.operation)
        assert.is_false(again.err.retryable)
        assert.equal(20003, exchange { code = "unknown" }.err.code)
        assert.is_table(run(client).result)
    end)

    it("says when the outcome is not known, and sends no code twice", function()
        local client = client_of()
        local code, meta = begin(client)
        local seen = pipeline.run("feishu", { "close" }, function()
            return client:exchange_code { code = code, redirect_uri = REDIRECT,
                                          code_verifier = meta.code_verifier }
        end)
        assert.equal("network", seen.err.kind)
        assert.equal("maybe", seen.err.acted)
        assert.is_false(seen.err.retryable)
        assert.equal(1, #seen.tokens)
    end)

    it("repeats what the service asks to repeat", function()
        local client = client_of()
        local code, meta = begin(client)
        local seen = pipeline.run("feishu", { "20050", "20072" }, function()
            return client:exchange_code { code = code, redirect_uri = REDIRECT,
                                          code_verifier = meta.code_verifier }
        end)
        assert.is_table(seen.result)
        assert.equal(3, #seen.tokens)
        assert.equal(3, seen.meta.attempts)
    end)

    it("checks before it sends", function()
        local client = client_of()
        local function sends_nothing(given, kind, field)
            local seen = pipeline.run("feishu", {}, function()
                return client:exchange_code(given)
            end)
            assert.equal(kind, seen.err.kind)
            assert.equal(field, seen.err.field)
            assert.equal(0, #seen.requests)
        end
        sends_nothing({ code = "" }, "invalid_request", "body.code")
        sends_nothing({ code = "x", code_verifier = "short" }, "invalid_request",
            "body.code_verifier")
        client = client_of { store = false }
        sends_nothing({ code = "x" }, "invalid_request", "store")
        pipeline.raises(function() client:exchange_code { redirect_uri = REDIRECT } end, "code")
        pipeline.raises(function() client:exchange_code { code = 1 } end, "code")
        pipeline.raises(function() client:exchange_code "x" end, "must be a table")
    end)

    it("keeps a login without a refresh token as long as it lives", function()
        local client = client_of()
        local code, meta = begin(client)
        local answer = pipeline.answer('{"code":0,"access_token":"eyJx","expires_in":60}')
        pipeline.with_scripted("feishu", { answer }, { app_id = "cli_1", app_secret = "secret-1" },
            function(scripted)
                local login = cloudcal.assert(scripted:exchange_code { code = code,
                    code_verifier = meta.code_verifier })
                assert.same({ expires_in = 60 }, login)
                pipeline.moved("now", 61, function()
                    refuses(act(generate(scripted)), "login_required", "not_logged_in")
                end)
            end)
    end)
end)

describe("a login", function()
    it("is renewed when it is refused, once", function()
        local client = client_of()
        log_in(client)
        support.revoke("feishu", "user")
        local seen = run(client)
        assert.is_table(seen.result)
        assert.equal(2, #seen.calls)
        assert.equal(1, #seen.tokens)
        assert.equal(2, seen.meta.attempts)
        assert.equal(0, #run(client).tokens)
    end)

    it("is renewed early, in the last five minutes", function()
        local client = client_of()
        log_in(client)
        pipeline.moved("now", 7200 - 320, function() assert.equal(0, #run(client).tokens) end)
        pipeline.moved("now", 7200 - 280, function()
            local seen = run(client)
            assert.is_table(seen.result)
            assert.equal(1, #seen.tokens)
            assert.equal(1, #seen.calls)
            assert.equal(0, #run(client).tokens)
        end)
    end)

    it("is renewed after its time", function()
        local client = client_of()
        log_in(client)
        pipeline.moved("now", 7201, function()
            local seen = run(client)
            assert.is_table(seen.result)
            assert.equal(1, #seen.tokens)
            assert.equal(1, #seen.calls)
        end)
    end)

    it("is refused twice in a row: that is the end", function()
        local client = client_of()
        log_in(client)
        local seen = run(client, nil, { "99991668", "none", "99991668", "99991668" })
        assert.equal("unauthenticated", seen.err.kind)
        assert.equal(2, #seen.calls)
        assert.equal(1, #seen.tokens)
    end)

    it("with retry = false is renewed by the next call", function()
        local client = client_of()
        log_in(client)
        local seen = run(client, { retry = false }, { "99991677" })
        assert.equal("unauthenticated", seen.err.kind)
        assert.equal(1, #seen.calls)
        seen = run(client, { retry = false })
        assert.is_table(seen.result)
        assert.equal(1, #seen.tokens)
        assert.equal(1, #seen.calls)
    end)

    it("is not renewed when the endpoint does not take the token", function()
        local client = client_of()
        log_in(client)
        local seen = run(client, nil, { "99991679" })
        assert.equal("login_required", seen.err.kind)
        assert.equal(0, #seen.tokens)
        assert.is_table(run(client).result)
    end)

    it("whose refresh token is refused has ended, for all later calls", function()
        for _, code in ipairs { "20026", "20037", "20064", "20073" } do
            local client = client_of()
            log_in(client)
            support.revoke("feishu", "user")
            local seen = run_refresh(client, { code })
            assert.equal("login_required", seen.err.kind)
            assert.equal(tonumber(code), seen.err.code)
            assert.equal("token", seen.err.stage)
            assert.equal("no", seen.err.acted)
            assert.is_false(seen.err.retryable)
            assert.equal(1, seen.tokens)
            seen = run_refresh(client, { "none" })
            assert.equal("login_required", seen.err.kind)
            assert.equal("login_expired", seen.err.name)
            assert.equal(0, seen.tokens)
            log_in(client)
            assert.is_table(run(client).result)
        end
    end)

    it("whose renewal was not taken is still there", function()
        for fault, kind in pairs {
            ["20050"] = "service_error", ["20072"] = "service_error", ["20074"] = "app_setup",
            ["20002"] = "app_setup", ["99991400"] = "rate_limited", ["20009"] = "app_setup",
        } do
            local client = client_of()
            log_in(client)
            support.revoke("feishu", "user")
            local seen = run_refresh(client, { fault, fault, fault }, { retry = false })
            assert.equal("unauthenticated", seen.err.kind)
            seen = run_refresh(client, { fault, fault, fault }, { retry = false })
            assert.equal(kind, seen.err.kind, fault)
            assert.equal("no", seen.err.acted)
            assert.equal(1, seen.tokens)
            assert.is_table(run(client).result)
        end
    end)

    it("whose renewal never left is still there", function()
        local client = client_of { retry = false }
        log_in(client)
        run(client, nil, { "99991668" })
        local away = client:with { proxy = "http://127.0.0.1:1" }
        local seen = act(generate(away))
        assert.equal("network", seen.err.kind)
        assert.equal("token", seen.err.stage)
        assert.is_true(seen.err.retryable)
        assert.is_table(run(client).result)
    end)

    it("whose renewal got no readable answer is lost, and its token is not sent again", function()
        for _, fault in ipairs { "close", "reset", "truncated", "html_502", "bad_json",
                                 "half_json" } do
            local client = client_of()
            log_in(client)
            support.revoke("feishu", "user")
            local seen = run_refresh(client, { fault })
            refuses(seen, "login_required", "login_lost")
            assert.equal(1, seen.tokens, fault)
            assert.is_false(seen.err.retryable)
            for _ = 1, 2 do
                seen = run_refresh(client, { "none" })
                refuses(seen, "login_required", "login_lost")
                assert.equal(0, seen.tokens)
            end
            log_in(client)
            assert.is_table(run(client).result)
        end
    end)

    it("that is lost early serves as long as its token is good", function()
        local client = client_of()
        log_in(client)
        pipeline.moved("now", 7200 - 280, function()
            local seen = run_refresh(client, { "close" })
            assert.is_table(seen.result)
            assert.equal(1, seen.tokens)
            assert.equal(0, run_refresh(client, { "none" }).tokens)
        end)
        pipeline.moved("now", 7201, function()
            refuses(run_refresh(client, { "none" }), "login_required", "login_lost")
        end)
    end)

    it("is not renewed after the time of its refresh token", function()
        local client = client_of()
        log_in(client)
        pipeline.moved("now", 604801, function()
            local seen = run(client)
            assert.equal("login_required", seen.err.kind)
            assert.equal(0, #seen.requests)
        end)
    end)

    it("is not renewed when too little time is left for the answer", function()
        local client = client_of()
        log_in(client)
        support.revoke("feishu", "user")
        local seen = run(client, { timeout = 0.3 })
        assert.equal("timeout", seen.err.kind)
        assert.equal("token", seen.err.stage)
        assert.equal(0, #seen.tokens)
        assert.is_table(run(client).result)
    end)

    it("is renewed after a secret function that raised, and once one was slow", function()
        local raises, slow = false, false
        local client
        client = client_of { app_secret = function()
            if raises then error("the vault is shut", 0) end
            if slow then
                slow = false
                log_in(client:with { app_secret = known.app_secret })
            end
            return known.app_secret
        end }
        log_in(client)
        support.revoke("feishu", "user")
        raises = true
        local seen = run(client)
        assert.equal("unauthenticated", seen.err.kind)
        seen = run(client)
        assert.equal("token_function_failed", seen.err.name)
        assert.is_truthy(seen.err.message:find("the vault is shut", 1, true))
        raises = false
        assert.is_table(run(client).result)
        -- the user logs in anew while the secret is looked for: that login stays
        support.revoke("feishu", "user")
        slow = true
        assert.is_table(run(client).result)
        support.revoke("feishu", "user")
        assert.is_table(run(client).result)
    end)

    it("that is still good serves while an early renewal hangs", function()
        local store = cloudcal.stores.memory()
        local client, get = client_of { store = store }, store.get
        log_in(client)
        function store.get(...)
            local value, left = get(...)
            return value, left and left - (7200 - 280)
        end
        support.clear "feishu"
        support.path_faults("feishu", TOKEN, "slow:3")
        local loop, ended = cloudcal.loop(), 0
        for _ = 1, 3 do
            loop:spawn(function()
                assert(client:generate_caldav_conf())
                ended = ended + 1
            end)
        end
        local before = support.state("feishu").refresh_attempts
        local deadline = core.now() + 2.5
        while ended < 3 and core.now() < deadline do loop:step(0.02) end
        assert.equal(3, ended)
        loop:run()
        assert.equal(before + 1, support.state("feishu").refresh_attempts)
        support.clear "feishu"
    end)

    it("that is still good is not risked by a call with little time", function()
        local client = client_of()
        log_in(client)
        pipeline.moved("now", 7200 - 280, function()
            assert.equal(0, #run(client, { timeout = 4 }).tokens)
            assert.equal(1, #run(client, { timeout = 30 }).tokens)
        end)
    end)

    it("that begins anew during a renewal is not overwritten by the old one", function()
        for _, fault in ipairs { "slow:0.4", "20064" } do
            local client = client_of()
            log_in(client)
            support.revoke("feishu", "user")
            support.clear "feishu"
            support.path_faults("feishu", TOKEN, fault)
            local loop = cloudcal.loop()
            local before = support.state("feishu").refresh_attempts
            local renewing = loop:spawn(generate(client))
            local code, meta = begin(client)
            local login
            loop:spawn(function()
                while support.state("feishu").refresh_attempts == before do cloudcal.sleep(0.01) end
                login = client:exchange_code { code = code, redirect_uri = REDIRECT,
                                               code_verifier = meta.code_verifier }
            end)
            loop:run()
            assert.is_table(login)
            if fault == "slow:0.4" then assert.is_table((renewing:result())) end
            support.clear "feishu"
            local seen = run(client)
            assert.is_table(seen.result)
            assert.equal(0, #seen.tokens)
        end
    end)

    it("is renewed once for 100 tasks", function()
        local client = client_of()
        log_in(client)
        support.revoke("feishu", "user")
        support.clear "feishu"
        local before = support.state("feishu").refresh_attempts
        local numbers = {}
        for i = 1, 100 do numbers[i] = i end
        local results, errors = cloudcal.map(numbers, generate(client), { concurrency = 50 })
        assert.is_nil(errors)
        assert.equal(100, results.n)
        assert.equal(before + 1, support.state("feishu").refresh_attempts)
    end)

    it("outlives the task that renews it", function()
        local client = client_of()
        log_in(client)
        support.revoke("feishu", "user")
        support.clear "feishu"
        support.path_faults("feishu", TOKEN, "slow:0.3")
        local loop = cloudcal.loop()
        local owner = loop:spawn(generate(client))
        local before = support.state("feishu").refresh_attempts
        repeat loop:step(0.01)
        until support.state("feishu").refresh_attempts > before
        owner:cancel()
        local waiter = loop:spawn(generate(client))
        loop:run()
        local _, err = owner:result()
        assert.equal("cancelled", err.kind)
        assert.is_table((waiter:result()))
        assert.equal(before + 1, support.state("feishu").refresh_attempts)
        support.clear "feishu"
    end)

    it("is known to the views and clients that share its store", function()
        local store = cloudcal.stores.memory()
        log_in(client_of { store = store })
        assert.is_table(run(client_of { store = store }).result)
        refuses(run(client_of()), "login_required", "not_logged_in")
        refuses(run(client_of { store = store, app_id = "cli_other" }), "login_required",
            "not_logged_in")
    end)
end)

describe("the store of a login", function()
    -- A store whose parts fail on demand.
    local function failing(broken)
        local store = cloudcal.stores.memory()
        local own = {}
        for name in pairs { get = 1, set = 1 } do
            own[name] = function(_, ...)
                if broken[name] then
                    if name == "get" then return nil, nil, "the disk is gone" end
                    return nil, "the disk is full"
                end
                return store[name](store, ...)
            end
        end
        return setmetatable(own, { __index = store, __metatable = "cloudcal.store" })
    end

    it("that cannot be read is named", function()
        local broken = {}
        local client = client_of { store = failing(broken) }
        log_in(client)
        broken.get = true
        local seen = run(client)
        refuses(seen, "service_error", "store_failed", "store")
        assert.is_truthy(seen.err.message:find("the disk is gone", 1, true))
        broken.get = nil
        assert.is_table(run(client).result)
    end)

    it("that cannot be written keeps the refresh token unsent", function()
        local broken = {}
        local client = client_of { store = failing(broken) }
        log_in(client)
        support.revoke("feishu", "user")
        broken.set = true
        local seen = run(client)
        refuses(seen, "service_error", "store_failed", "store")
        assert.equal(0, #seen.tokens)
        broken.set = nil
        assert.is_table(run(client).result)
    end)

    -- Fails from the n-th write on, as often as told; `written` is what the store says.
    local function stumbling(first, times, is_written)
        local store, own, count = cloudcal.stores.memory(), {}, 0
        function own.set(_, ...)
            count = count + 1
            local fails = count >= first and count < first + times
            if not fails or is_written then store:set(...) end
            if fails then return nil, "the store is away" end
            return true
        end
        for name in pairs { get = 1, try_lock = 1, unlock = 1 } do
            own[name] = function(_, ...) return store[name](store, ...) end
        end
        return setmetatable(own, { __index = store, __metatable = "cloudcal.store" })
    end

    it("that is away for a moment after the renewal gets the new login a little later", function()
        -- the first write is the login, the second takes the refresh token out
        local client = client_of { store = stumbling(3, 2) }
        log_in(client)
        support.revoke("feishu", "user")
        local seen = run(client)
        assert.is_table(seen.result)
        assert.equal(1, #seen.tokens)
        support.revoke("feishu", "user")
        seen = run(client)
        assert.is_table(seen.result)
        assert.equal(1, #seen.tokens)
    end)

    it("that is away for longer gets it when it is back", function()
        local lines = {}
        local client = client_of { store = stumbling(3, 5), logger = function(level, message)
            lines[#lines + 1] = level .. " " .. message
        end }
        log_in(client)
        support.revoke("feishu", "user")
        assert.is_table(run(client).result)
        assert.is_truthy(table.concat(lines, "\n"):find("error a renewed login", 1, true))
        local seen = run(client)
        assert.is_table(seen.result)
        assert.equal(0, #seen.tokens)
        -- another Lua state would find it now, too
        support.revoke("feishu", "user")
        assert.equal(1, #run(client).tokens)
    end)

    it("that says no to what it has done all the same does not lose the login", function()
        local client = client_of { store = stumbling(2, 1, true) }
        log_in(client)
        support.revoke("feishu", "user")
        local seen = run(client)
        refuses(seen, "service_error", "store_failed", "store")
        assert.equal(0, #seen.tokens)
        assert.is_true(seen.err.retryable)
        seen = run(client)
        assert.is_table(seen.result)
        assert.equal(1, #seen.tokens)
    end)

    it("that fails for a login by a device is named, and its code is not used again", function()
        support.clear "feishu"
        local client = client_of { store = stumbling(1, 5) }
        local result, err = client:login { on_prompt = function() end }
        assert.is_nil(result)
        assert.equal("store_failed", err.name)
        local looks = 0
        for _, request in ipairs(support.requests "feishu") do
            if request.path == TOKEN then looks = looks + 1 end
        end
        assert.equal(1, looks)
        support.clear "feishu"
    end)

    it("that can make no lock renews no login, and says why", function()
        local store, own = cloudcal.stores.memory(), {}
        function own.try_lock() return true, "no lock can be made" end
        local client = client_of { store = setmetatable(own, {
            __index = function(_, name)
                return function(_, ...) return store[name](store, ...) end
            end,
            __metatable = "cloudcal.store",
        }) }
        own.is_private = false
        log_in(client)
        support.revoke("feishu", "user")
        local seen = run(client)
        refuses(seen, "service_error", "store_failed", "store")
        assert.equal("no lock can be made", seen.err.message)
        assert.equal(0, #seen.tokens)
    end)

    it("that fails does not fail the call of an app", function()
        local lines = {}
        local client = client_of {
            store = failing { get = true, set = true },
            logger = function(level, message, fields)
                lines[#lines + 1] = level .. " " .. message .. " " .. tostring(fields.reason)
            end,
        }
        local seen = pipeline.run("feishu", {}, function() return client:primary_calendar() end)
        assert.is_table(seen.result)
        local text = table.concat(lines, "\n")
        assert.is_truthy(text:find("warn the store fails the disk is gone", 1, true))
        assert.is_truthy(text:find("warn the store fails the disk is full", 1, true))
    end)

    it("must be known to all workers of nginx", function()
        local before = rawget(_G, "ngx")
        local client = client_of()
        local shared = client_of { store = cloudcal.stores.nginx(fake_dict.new()) }
        rawset(_G, "ngx", {
            get_phase = function() return "init" end, worker = { count = function() return 2 end },
        })
        local fine, problem = pcall(function()
            refuses(act(function() return client:exchange_code { code = "x" } end),
                "invalid_request", "shared_store_needed", "store")
            refuses(act(generate(client)), "invalid_request", "shared_store_needed", "store")
            refuses(act(generate(shared)), "login_required", "not_logged_in")
        end)
        rawset(_G, "ngx", before)
        assert(fine, problem)
    end)

    it("keeps the login in a dictionary of nginx and in a file", function()
        local path = os.tmpname()
        os.remove(path)
        for _, store in ipairs { cloudcal.stores.nginx(fake_dict.new()),
                                 cloudcal.stores.file(path) } do
            local client = client_of { store = store }
            log_in(client)
            assert.is_table(run(client).result)
            support.revoke("feishu", "user")
            assert.equal(1, #run(client).tokens)
            assert.equal(0, #run(client).tokens)
        end
        os.remove(path)
        os.remove(path .. ".lock")
    end)

    it("that holds something else is named", function()
        local store = cloudcal.stores.memory()
        local client = client_of { store = store }
        log_in(client)
        local set = store.set
        for _, text in ipairs { "{", "[]", "1", '{"lifetime":"x"}' } do
            local key
            store.set = function(self, name, ...)
                key = name
                return set(self, name, ...)
            end
            log_in(client)
            store.set = nil
            store:set(key, text, 100)
            refuses(run(client), "service_error", "store_failed", "store")
        end
    end)
end)

describe("login", function()
    local function flow(client, given)
        local prompts = {}
        given = given or {}
        given.on_prompt = given.on_prompt or function(p) prompts[#prompts + 1] = p end
        local seen = pipeline.run("feishu", {}, function() return client:login(given) end)
        seen.prompts = prompts
        return seen
    end

    it("shows a code, waits for the user, and keeps the login", function()
        local client = client_of()
        local seen = flow(client, { scope = "calendar:calendar" })
        assert.same({ scope = "calendar:calendar offline_access", expires_in = 7200,
                      refresh_expires_in = 604800 }, seen.result)
        assert.equal(1, #seen.prompts)
        local prompt = seen.prompts[1]
        assert.is_truthy(prompt.user_code:find("^[%w-]+$"))
        assert.equal(1, prompt.verification_uri:find("https://", 1, true))
        assert.equal(1, prompt.verification_uri_complete:find(prompt.verification_uri, 1, true))
        assert.equal(240, prompt.expires_in)
        assert.equal(1, prompt.interval)
        assert.is_nil(prompt.device_code)
        assert.is_table(run(client).result)
        assert.equal("Basic ***", seen.tokens[1].headers.authorization)
        assert.is_nil(seen.tokens[2].headers.authorization)
    end)

    it("belongs to the user whom it names", function()
        local client = client_of()
        assert.equal("carol", flow(client, { user = "carol" }).result.user)
        assert.is_table(run(client, { user = "carol" }).result)
        refuses(run(client), "login_required", "not_logged_in")
    end)

    it("ends when the user refuses", function()
        refuses(flow(client_of(), { scope = "deny" }), "login_required", "access_denied")
    end)

    it("goes on when the service is away for a moment, and more slowly when it is asked to",
        function()
            support.clear "feishu"
            local client = client_of()
            local started = core.now()
            local result, err = client:login { on_prompt = function()
                support.path_faults("feishu", TOKEN, "20072", "html_502")
            end }
            assert.is_nil(err)
            assert.is_table(result)
            assert.is_true(core.now() - started >= 2.9)
            support.clear "feishu"
        end)

    it("goes on after a look that got no answer", function()
        support.clear "feishu"
        local result, err = client_of():login { timeout = 0.3, on_prompt = function()
            support.path_faults("feishu", TOKEN, "stalled")
        end }
        -- the code was used by the look that stalled, as the next one says
        assert.is_nil(result)
        assert.equal("invalid_grant", err.name)
        support.clear "feishu"
    end)

    it("is refused with wrong credentials before anything is shown", function()
        local seen = flow(client_of { app_secret = "wrong-secret" })
        refuses(seen, "app_setup", "invalid_client")
        assert.equal(0, #seen.prompts)
        seen = flow(client_of { store = false })
        refuses(seen, "invalid_request", "store_needed", "store")
        assert.equal(0, #seen.requests)
    end)

    it("asks nobody where the login could not be kept", function()
        local store = cloudcal.stores.file "/dev/null/tokens.json"
        local seen = flow(client_of { store = store })
        refuses(seen, "service_error", "store_failed", "store")
        assert.equal(0, #seen.requests)
        seen = pipeline.run("feishu", {}, function()
            return client_of({ store = store }):exchange_code { code = "x" }
        end)
        refuses(seen, "service_error", "store_failed", "store")
        assert.equal(0, #seen.requests)
    end)

    it("raises where the program is wrong, and what on_prompt raises", function()
        local client = client_of()
        pipeline.raises(function() client:login {} end, "on_prompt")
        pipeline.raises(function() client:login { on_prompt = 1 } end, "on_prompt")
        local fine, problem = pcall(client.login, client,
            { on_prompt = function() error("no screen", 0) end })
        assert.is_false(fine)
        assert.equal("no screen", problem)
    end)

    it("yields in a loop, and ends when its task is cancelled", function()
        local loop, ticks = cloudcal.loop(), 0
        local client = client_of()
        local task = loop:spawn(function() return client:login { on_prompt = function() end } end)
        loop:spawn(function()
            for _ = 1, 5 do
                cloudcal.sleep(0.05)
                ticks = ticks + 1
            end
            task:cancel()
        end)
        loop:run()
        assert.equal(5, ticks)
        local _, err = task:result()
        assert.equal("cancelled", err.kind)
    end)

    it("follows RFC 8628 in what it answers to", function()
        local function answer(fields, status)
            return pipeline.answer(json.encode(fields), nil, status)
        end
        local device = answer { device_code = "dc-123456", user_code = "AB", interval = 1,
                                verification_uri = "https://x.example/", expires_in = 100 }
        local pending = answer({ error = "authorization_pending" }, "400 Bad Request")
        local slow = answer({ error = "slow_down" }, "400 Bad Request")
        local token = answer { access_token = "eyJ-access", refresh_token = "eyJ-refresh",
                               expires_in = 7200, refresh_token_expires_in = 604800 }
        local function script(answers)
            local waits, result, err = {}, nil, nil
            pipeline.with_scripted("feishu", answers, { app_id = "cli_1",
                app_secret = "secret-1", store = cloudcal.stores.memory() }, function(client)
                    local wait = require "cloudcal.wait"
                    local sleep = wait.sleep
                    wait.sleep = function(seconds)
                        waits[#waits + 1] = seconds
                        return true
                    end
                    local fine, problem = pcall(function()
                        result, err = client:login { on_prompt = function() end }
                    end)
                    wait.sleep = sleep
                    assert(fine, problem)
                end)
            return result, err, waits
        end
        local result, _, waits = script { device, pending, slow, pending, slow, token }
        assert.is_table(result)
        assert.same({ 1, 1, 6, 6, 11 }, waits)
        for name, kind in pairs { access_denied = "login_required", expired_token =
            "login_required", invalid_grant = "login_required", something_else = "rejected" } do
            local _, err = script { device, answer({ error = name,
                error_description = "because of dc-123456" }, "400 Bad Request") }
            assert.equal(kind, err.kind)
            assert.equal(name == "something_else" and "oauth_refused" or name, err.name)
            assert.equal("because of ***", err.msg)
        end
        local _, err = script { device, answer { access_token = "", expires_in = 7200 } }
        assert.equal("wrong_response_type", err.name)
        _, err = script { answer { device_code = "dc", user_code = "AB", interval = 1,
            verification_uri = "https://x.example/", expires_in = 0 }, pending }
        assert.equal("device_code_expired", err.name)
        _, err = script { answer({ error = "invalid_client", error_description = "no" },
            "401 Unauthorized") }
        assert.equal("app_setup", err.kind)
    end)
end)

describe("time", function()
    it("is not asked of the wall for a login in memory", function()
        local client = client_of()
        log_in(client)
        pipeline.moved("time", 1e6, function() assert.equal(0, #run(client).tokens) end)
        assert.is_function(clock.time)
    end)
end)
