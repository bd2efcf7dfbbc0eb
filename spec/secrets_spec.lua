-- No secret is seen by anybody: not in errors, meta, clients, log lines, tracebacks, URLs.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local json = require "cloudcal.json"
local lua = require "spec.lua"
local peer = require "spec.peer"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

-- Every secret of these tests has this word at both ends: a part of it is found like the whole.
local WORD = "CANARY"

local function canary(prefix, name)
    return prefix .. WORD .. name .. "/x+y=" .. WORD
end

local SECRETS = {
    user_access_token = canary("u-", "user"), tenant_access_token = canary("t-", "tenant"),
    app_secret = canary("", "app"), secret = canary("", "youkong"),
    member_access_token = canary("u-", "literal"),
}

-- {======================================================
-- A sandbox with these secrets, whose log is kept
-- =======================================================}

local function read_file(path)
    local file = io.open(path)
    local content = file and file:read("*a") or ""
    if file then file:close() end
    return content
end

local function start_sandbox()
    local out, log = os.tmpname(), os.tmpname()
    local words = { lua.command_54(), "-e",
        peer.quote 'require("cloudcal.sandbox.server").main(arg)', "/dev/null --verbose" }
    for name, value in pairs(SECRETS) do
        words[#words + 1] = "--" .. name:gsub("_", "-") .. " " .. peer.quote(value)
    end
    local pipe = io.popen(table.concat(words, " ") .. (" >%s 2>%s"):format(out, log), "w")
    local ready
    for _ = 1, 500 do
        ready = json.decode(read_file(out))
        if ready then break end
        core.sleep(0.01)
    end
    assert(ready, "the sandbox does not start")
    ready.log = function() return read_file(log) end
    ready.stop = function()
        pipe:close()
        os.remove(out)
        os.remove(log)
    end
    return ready
end

-- {======================================================
-- Looking everywhere
-- =======================================================}

local function assert_clean(text, where, more)
    local secrets = { WORD }
    for i, secret in ipairs(more or {}) do secrets[i + 1] = secret end
    for _, secret in ipairs(secrets) do
        local at = text:find(secret, 1, true)
        local around = at and text:sub(math.max(1, at - 60), at + 60)
        if at then error(("a secret in %s: …%s…"):format(where, around), 0) end
    end
end

local walk

local function walk_table(value, where, more, seen)
    for key, member in next, value do
        walk(key, where .. " (key)", more, seen)
        walk(member, where .. "." .. tostring(key), more, seen)
    end
    for key, member in pairs(value) do walk(member, where .. "." .. tostring(key), more, seen) end
end

function walk(value, where, more, seen)
    seen = seen or {}
    if type(value) == "string" then return assert_clean(value, where, more) end
    if value == nil or seen[value] then return end
    seen[value] = true
    assert_clean(tostring(value), where .. " as text", more)
    walk(getmetatable(value), where .. " (metatable)", more, seen)
    walk(debug.getmetatable(value), where .. " (true metatable)", more, seen)
    if type(value) == "table" then walk_table(value, where, more, seen) end
end

local function look_at(client, err, meta, more)
    walk(client, "client", more)
    walk(meta.headers, "meta.headers", more)
    walk(meta.timings, "meta.timings", more)
    walk(meta, "meta", more)
    assert_clean(cloudcal.pretty(meta), "pretty(meta)", more)
    assert_clean(cloudcal.pretty(client), "pretty(client)", more)
    if not err then return end
    walk(err, "err", more)
    assert_clean(tostring(err), "tostring", more)
    assert_clean("a" .. err .. "b", "concat", more)
    assert_clean(cloudcal.pretty(err), "pretty(err)", more)
    local _, traceback = xpcall(cloudcal.assert, debug.traceback, nil, err)
    assert_clean(traceback, "traceback", more)
end

describe("secrets", function()
    local sandbox, lines
    local sent = {}

    setup(function() sandbox = start_sandbox() end)
    teardown(function() sandbox.stop() end)
    before_each(function() lines = {} end)

    local function logger(level, message, fields)
        lines[#lines + 1] = { level, message, fields }
    end

    local function client_of(service, changes)
        local given = { base_url = sandbox[service].base_url, ca_file = sandbox.ca_file,
            log_level = "debug", logger = logger, retry = { max_delay = 0.01 } }
        for key, value in pairs(changes) do given[key] = value end
        return cloudcal[service](given)
    end

    local function check(client, call, fault, more)
        lines = {}
        local result, err, meta = call(client, {
            raw = true, headers = { ["X-Sandbox-Fault"] = fault or "none" } })
        look_at(client, err, meta, more)
        assert.is_true(#lines > 0)
        for _, line in ipairs(lines) do walk(line, "log line", more) end
        sent[#sent + 1] = meta
        return result, err, meta
    end

    local FAULTS = { "none", "echo_secrets", "99991663", "99991668", "190004", "190003", "bad_json",
                     "half_json", "html_502", "truncated", "reset", "huge_headers", "no_data",
                     "redirect", "not_utf8" }

    local function primary(client, options) return client:primary_calendar(options) end
    local function generate(client, options)
        return client:generate_caldav_conf({ device_name = "phone" }, options)
    end

    local function namespaces(client)
        return client.calendar.v4.setting.generate_caldav_conf and client
    end

    it("are in no outcome of a call with a user token", function()
        for _, fault in ipairs(FAULTS) do
            for _, call in ipairs { primary, generate } do
                check(namespaces(client_of("feishu", {
                    user_access_token = SECRETS.user_access_token })), call, fault)
            end
        end
    end)

    it("are in no outcome of a call with a token function", function()
        for _, fault in ipairs(FAULTS) do
            check(client_of("lark", { user_access_token = function()
                return SECRETS.user_access_token
            end }), primary, fault)
        end
    end)

    it("are in no outcome of a call with a literal token", function()
        for _, fault in ipairs(FAULTS) do
            check(client_of("feishu", {}), function(client, options)
                options.token = SECRETS.member_access_token
                return client:primary_calendar(options)
            end, fault)
        end
    end)

    it("are in no outcome of a call with a tenant token", function()
        for _, fault in ipairs(FAULTS) do
            check(client_of("feishu", { tenant_access_token = SECRETS.tenant_access_token }),
                primary, fault)
        end
    end)

    -- The same token comes back while much of its time is left.
    local function fetched_token(service)
        local status, _, text = support.exchange(support.exchange_options("feishu", "", {
            url = sandbox[service].base_url .. "/open-apis/auth/v3/tenant_access_token/internal",
            ca_file = sandbox.ca_file, method = "POST", content_type = "application/json",
            body = json.encode { app_id = sandbox[service].app_id,
                                 app_secret = SECRETS.app_secret } }))
        assert.equal(200, status)
        return json.decode(text).tenant_access_token
    end

    it("are in no outcome of a call of an app", function()
        for _, service in ipairs { "feishu", "lark" } do
            local more = { fetched_token(service) }
            local function ask() return SECRETS.app_secret end
            for _, secret in ipairs { SECRETS.app_secret, ask } do
                for _, fault in ipairs(FAULTS) do
                    check(client_of(service, { app_id = sandbox[service].app_id,
                        app_secret = secret }), primary, fault, more)
                end
            end
        end
    end)

    it("are in no outcome of the token stage", function()
        local function queue(name)
            local status = support.exchange(support.exchange_options("feishu", "", {
                url = sandbox.feishu.base_url .. "/_sandbox/faults", ca_file = sandbox.ca_file,
                method = "POST", body = json.encode { name } }))
            assert.equal(200, status)
        end
        for i, fault in ipairs { "echo_secrets", "10003", "10014", "bad_json", "html_502",
                                 "truncated", "no_data", "half_json" } do
            queue(fault)
            local client = client_of("feishu", { app_id = sandbox.feishu.app_id, store = false,
                app_secret = SECRETS.app_secret, retry = false })
            -- a refusal is remembered for a while
            pipeline.moved("now", 6 * i, function()
                local _, err, meta = client:primary_calendar()
                assert.equal("token", err.stage)
                look_at(client, err, meta)
            end)
        end
        local client = client_of("feishu", { app_id = sandbox.feishu.app_id,
            app_secret = WORD .. "wrong" })
        local _, err, meta = client:primary_calendar()
        assert.equal("app_setup", err.kind)
        look_at(client, err, meta)
        for _, line in ipairs(lines) do walk(line, "log line") end
    end)

    local function create(client, options)
        return client:create_calendar("cs001", { CalendarName = "n" }, options)
    end

    it("are in no outcome of a call to Youkong", function()
        pipeline.with_clock("time", function(truth)
            local now = truth()
            return function() return now end
        end, function()
            local now = math.floor(require "cloudcal.clock".time())
            local key = sandbox.youkong.client_key
            local sign = core.md5(("key=%s&secret=%s&timestamp=%d"):format(
                key, SECRETS.secret, now))
            for _, fault in ipairs(FAULTS) do
                local client = client_of("youkong", { client_key = key, secret = SECRETS.secret })
                assert.is_function(client.allinone.putcalendar)
                check(client, create, fault, { sign })
                check(client, function(self, options)
                    options.path, options.user_code = "/v1/allinone/putevent", "cs001"
                    return self:request(options)
                end, fault, { sign })
            end
        end)
    end)

    it("are in no outcome of a call with a signer", function()
        for _, fault in ipairs(FAULTS) do
            check(client_of("youkong", { client_key = sandbox.youkong.client_key,
                signer = function() return canary("", "sign") end }), create, fault)
        end
    end)

    it("of a proxy are in no outcome", function()
        for _, proxy in ipairs { "http://user:%s@127.0.0.1:1", "https://%s@127.0.0.1:1",
                                 "socks5h://user:%s@127.0.0.1:1" } do
            local client = client_of("feishu", { user_access_token = SECRETS.user_access_token,
                proxy = proxy:format(WORD .. "proxy" .. WORD) })
            local _, err = check(client, primary)
            assert.equal("network", err.kind)
        end
    end)

    it("of the answer are in its result only", function()
        local client = client_of("feishu", { user_access_token = SECRETS.user_access_token })
        local conf, _, meta = check(client, generate)
        look_at(client, nil, meta, { conf.password })
        for _, line in ipairs(lines) do walk(line, "log line", { conf.password }) end
        assert.is_true(#conf.password >= 8)
        assert_clean(cloudcal.pretty(conf), "pretty(conf)", { conf.password })
        local body, _, second = client.calendar.v4.setting.generate_caldav_conf { raw = true }
        look_at(client, nil, second, { body.data.password })
    end)

    it("of an unusable answer are not in its error", function()
        local bodies = {
            '{"code":0,"data":{"password":"PASSWORD-1","user_name":5}}',
            '{"code":0,"data":{"password":"PASSWORD-1","user_name":"x"',
            '{"code":0,"n":9007199254740993,"data":{"password" : "PASSWORD-1"}}',
            '{"code":190002,"msg":"x","data":{"password":"PASSWORD-1"}}',
            '{"data":{"password":"PASSWORD-1"}}',
            '{"code":0,"data":{"password":"PASSWORD-1\255"}}',
        }
        for _, body in ipairs(bodies) do
            pipeline.with_scripted("feishu", { pipeline.answer(body) }, { logger = logger,
                log_level = "debug", user_access_token = SECRETS.user_access_token },
                function(client)
                    local _, err, meta = client:generate_caldav_conf({}, { raw = true })
                    assert.equal(err.code and "invalid_request" or "bad_response", err.kind)
                    look_at(client, err, meta, { "PASSWORD" })
                end)
        end
        for _, line in ipairs(lines) do walk(line, "log line", { "PASSWORD" }) end
    end)

    describe("of a CalDAV account", function()
        local account = { server_address = "caldav.example.com", user_name = "u",
                          password = WORD .. "cal<&>/x+y=" .. WORD }
        -- base64 of user and password: the whole, and of it what no other text holds
        local encoded = "dTpDQU5BUlljYWw8Jj4veCt5PUNBTkFSWQ=="
        local more = { encoded:sub(1, -3) }

        local function echoes()
            local escaped = account.password:gsub("[<&>]",
                { ["<"] = "&lt;", ["&"] = "&amp;", [">"] = "&gt;" })
            local in_url = core.escape(account.password)
            return ("%s %s %s Basic %s"):format(account.password, escaped, in_url, encoded),
                escaped, in_url
        end

        local function visit(answers, changes)
            lines = {}
            pipeline.with_scripted("feishu", answers, {}, function(_, server)
                local own = { server_address = server.base_url, user_name = "u",
                              password = account.password }
                local given = { allow_plain_http = true, logger = logger, log_level = "debug",
                                retry = { max_delay = 0.01 }, timeout = 5 }
                for name, value in pairs(changes or {}) do given[name] = value end
                local _, err, meta = cloudcal.caldav.check(own, given)
                look_at(nil, err, meta, more)
                assert.is_true(#lines > 0)
                for _, line in ipairs(lines) do walk(line, "log line", more) end
                for i, request in ipairs(server.requests()) do
                    -- the second one is where the server itself sends us
                    if i == 1 then assert_clean(request.head:match("^[^\n]*"), "URL") end
                    assert_clean(request.body, "request body")
                    assert.truthy(request.head:find("Basic " .. encoded, 1, true))
                end
                return err
            end)
        end

        it("are in no outcome of a check", function()
            local echo, escaped, in_url = echoes()
            local headers = "X-Echo: " .. echo .. "\r\nX-Request-Id: " .. account.password
                .. "\r\n"
            local foreign = "Location: https://example.com/?" .. in_url .. "\r\n"
            local href = ("<d:multistatus xmlns:d='DAV:'><d:response><d:href>/</d:href>"
                .. "<d:propstat><d:prop><d:current-user-principal><d:href>https://x.com/%s"
                .. "</d:href></d:current-user-principal></d:prop></d:propstat></d:response>"
                .. "</d:multistatus>"):format(escaped)
            for _, status in ipairs { "200 OK", "207 M", "401 No", "403 No", "404 No", "429 No",
                                      "500 No", "302 Found", "999 What" } do
                visit { pipeline.answer(echo, headers, status) }
                visit { pipeline.answer(echo, headers .. foreign, status) }
            end
            visit { pipeline.answer(href, headers, "207 M") }
            visit { pipeline.answer(href:gsub("https://x.com", ""), headers, "207 M"),
                    pipeline.answer(echo, headers, "404 No") }
            visit({ pipeline.answer(echo, headers, "207 M") }, { max_response_bytes = 5 })
            visit { "HTTP/1.1 207 M\r\nContent-Length: 5000\r\n" .. headers .. "\r\n" .. echo }
            visit { "garbage " .. echo .. "\r\n\r\n" }
        end)

        it("are in no error about the account", function()
            for _, changes in ipairs { { password = WORD .. "\n" .. WORD }, { user_name = "a:b" },
                { password = WORD .. "\255" }, { server_address = "no host" },
                { server_address = "https://u:" .. WORD .. "@host.com" } } do
                local own = setmetatable(changes, { __index = account })
                local _, err, meta = cloudcal.caldav.check(own)
                look_at(nil, err, meta, more)
            end
            local _, err = cloudcal.caldav.write_profile(account, "/no/such/" .. account.password)
            walk(err, "err", more)
            _, err = cloudcal.caldav.profile({ password = WORD, user_name = "\0" })
            walk(err, "err", more)
        end)
    end)

    it("are in no message that a mistake raises", function()
        local secret = WORD .. "\n"
        local mistakes = {
            function() cloudcal.feishu { user_access_token = WORD, typo = 1 } end,
            function() cloudcal.feishu { app_id = "a", app_secret = secret } end,
            function() cloudcal.feishu { app_secret = WORD } end,
            function() cloudcal.feishu { user_access_token = { WORD } } end,
            function() cloudcal.feishu { proxy = "htp://user:" .. WORD .. "@h" } end,
            function() cloudcal.feishu { proxy = "http://user:" .. secret .. "@h" } end,
            function() cloudcal.feishu { base_url = "https://user:" .. WORD .. "@h.com" } end,
            function() cloudcal.youkong { environment = "sandbox", secret = WORD } end,
            function() cloudcal.youkong { environment = "sandbox", client_key = "k",
                secret = secret } end,
            function() cloudcal.feishu { user_access_token = WORD }:with { typo = 1 } end,
            function() cloudcal.feishu {}:primary_calendar { token = WORD, typo = 1 } end,
            function() cloudcal.feishu {}:primary_calendar { token = { WORD } } end,
            function() cloudcal.caldav.check({ password = WORD }, { typo = 1 }) end,
            function() cloudcal.caldav.check({ password = WORD }, { proxy = WORD }) end,
            function() cloudcal.caldav.profile({ password = WORD }, { name = 1 }) end,
            function() cloudcal.caldav.write_profile({ password = WORD }, "") end,
        }
        for i, mistake in ipairs(mistakes) do
            local fine, traceback = xpcall(mistake, debug.traceback)
            assert.is_false(fine)
            assert_clean(traceback, "mistake " .. i)
        end
    end)

    it("are in no error of the check", function()
        for _, token in ipairs { WORD .. "\n", "a-" .. WORD, WORD .. " x" } do
            local client = client_of("feishu", { user_access_token = token })
            local _, err, meta = client:primary_calendar()
            assert.equal("invalid_request", err.kind)
            look_at(client, err, meta)
            client = client_of("feishu", {})
            _, err, meta = client:primary_calendar { token = token }
            look_at(client, err, meta)
        end
    end)

    it("travel in no URL and no user agent, and are not in the sandbox's log", function()
        assert.is_true(#sent > 100)
        for _, service in ipairs { "feishu", "lark", "youkong" } do
            local status, _, text = support.exchange(support.exchange_options("feishu", "", {
                url = sandbox[service].base_url .. "/_sandbox/requests",
                ca_file = sandbox.ca_file }))
            assert.equal(200, status)
            local requests = json.decode(text)
            assert.is_true(#requests > 10)
            for _, request in ipairs(requests) do
                assert_clean(request.path .. "?" .. request.query, "URL")
                assert_clean(request.headers["user-agent"], "user agent")
                for name, value in pairs(request.headers) do assert_clean(value, name) end
            end
        end
        local log = sandbox.log()
        assert.is_true(select(2, log:gsub("\n", "")) > 100)
        assert_clean(log, "the sandbox's log")
    end)
end)
