-- No secret is seen by anybody: not in errors, meta, clients, stores, log lines, tracebacks, URLs.

local browser = require "spec.browser"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local fake_dict = require "spec.fake_dict"
local files = require "spec.files"
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
    member_access_token = canary("u-", "literal"), app_ticket = canary("", "ticket"),
}

-- What only scripted servers give out, or are sent.
local GIVEN = {
    access_token = canary("eyJ", "access"), refresh_token = canary("eyJ", "refresh"),
    device_code = canary("", "device"), code = canary("", "code"),
    code_verifier = canary("", "verifier") .. ("v"):rep(20) .. WORD,
    app_access_token = canary("a-", "whole"), tenant_access_token = canary("t-", "fetched"),
}

-- {======================================================
-- A sandbox with these secrets, whose log is kept
-- =======================================================}

local function read_file(path) return files.find(path) or "" end

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

    -- {======================================================
    -- Tokens that are fetched: answers of scripted servers hold the secrets, and repeat them
    -- =======================================================}

    local function look_at_all(client, result, err, meta, more)
        walk(result, "result", more)
        assert_clean(cloudcal.pretty(result), "pretty(result)", more)
        look_at(client, err, meta, more)
        for _, line in ipairs(lines) do walk(line, "log line", more) end
    end

    -- What stands in the Authorization header of a login on another device.
    local function basic(id)
        local text = core.base64url(id .. ":" .. SECRETS.app_secret)
        return (text:gsub("-", "+"):gsub("_", "/"))
    end

    local function echo_of(...)
        return "refused: " .. table.concat({ ... }, " and ")
    end

    -- With the secrets as they stand in a form, too.
    local function form_echo_of(...)
        local parts = { ... }
        for i = 1, #parts do parts[#parts + 1] = core.escape(parts[i]) end
        return echo_of(lua.unpack(parts))
    end

    local function answer(body, headers, status)
        local text = type(body) == "table" and json.encode(body) or body
        return pipeline.answer(text,
            "Content-Type: application/json\r\n" .. (headers or ""), status)
    end

    -- What a token endpoint can answer that is no success. `given` are the fields of a good
    -- answer; the first of them is `name`.
    local function failures(echo, name, given)
        local header, all = "X-Echo: " .. echo .. "\r\n", json.encode(given)
        local function with(changes)
            local copy = {}
            for key, value in pairs(given) do copy[key] = value end
            for key, value in pairs(changes) do copy[key] = value end
            return answer(copy, header)
        end
        return {
            answer({ code = 20003, msg = echo, error = { message = echo, log_id = echo,
                field_violations = { { field = echo, value = echo } } } }, header, "400 Bad"),
            answer({ code = 99991664, msg = echo }, header),
            answer({ code = 99999999, msg = echo, error = echo }, header, "403 Forbidden"),
            answer({ error = "invalid_grant", error_description = echo }, header, "400 Bad"),
            answer({ error = "else", error_description = echo, echo = { [echo] = echo } }),
            answer(all:sub(1, -2), header), answer(all .. echo, header, "400 Bad"),
            answer("[" .. all .. "]", header), answer("<html>" .. echo, header, "404 Not"),
            with { [name] = { given[name] } }, -- a device code may be any text
            with { [name] = name ~= "device_code" and given[name] .. " x" or json.null },
            with { [name] = json.null }, with { expires_in = "soon", expire = "soon" },
            with { code = json.null, msg = echo, [name] = json.null, device_code = json.null },
        }
    end

    -- Runs scenes { answers, act = function(client) }, one after the other, with one server.
    local function act(changes, scenes, more)
        local all = {}
        for _, scene in ipairs(scenes) do
            for _, one in ipairs(scene.answers) do all[#all + 1] = one end
        end
        local given = { app_id = "cli_1", app_secret = SECRETS.app_secret, logger = logger,
            log_level = "debug", retry = false, store = cloudcal.stores.memory() }
        for name, value in pairs(changes) do given[name] = value end
        local failed = 0
        pipeline.with_scripted("feishu", all, given, function(client)
            for _, scene in ipairs(scenes) do
                local result, err, meta = scene.act(client)
                look_at_all(client, result, err, meta, more)
                if err then failed = failed + 1 end
            end
            assert.is_true(#lines > 0)
        end)
        return failed
    end

    local LOGIN = { code = 0, access_token = GIVEN.access_token, expires_in = 7200,
                    refresh_token = GIVEN.refresh_token, refresh_token_expires_in = 604800,
                    id_token = "eyJ", token_type = "Bearer", scope = "offline_access" }

    local GOOD = answer { code = 0, data = { calendars = { { calendar = {} } } } }

    local function exchange(client)
        return client:exchange_code { code = GIVEN.code, code_verifier = GIVEN.code_verifier,
                                      redirect_uri = browser.redirect_uri, user = "alice" }
    end

    local function ask(client, options)
        options = options or {}
        options.raw, options.user = true, "alice"
        return client:primary_calendar(options)
    end

    it("are in no outcome of the beginning of a login", function()
        local scenes = { { answers = { answer(LOGIN) }, act = exchange } }
        local echo = form_echo_of(GIVEN.code, GIVEN.code_verifier, SECRETS.app_secret)
        for i, failure in ipairs(failures(echo, "access_token", LOGIN)) do
            scenes[i + 1] = { answers = { failure }, act = exchange }
        end
        assert.equal(#scenes - 1, act({}, scenes))
        assert.equal(#scenes - 1, act({ language = "zh" }, scenes))
    end)

    it("are in no outcome of the renewal of a login", function()
        local scenes = {}
        local echo = echo_of(GIVEN.access_token,
            form_echo_of(GIVEN.refresh_token, SECRETS.app_secret))
        local function renew(client)
            assert.is_table((exchange(client)))
            local values
            pipeline.moved("now", 7201, function() values = lua.pack(ask(client)) end)
            return lua.unpack(values, 1, values.n)
        end
        for i, failure in ipairs(failures(echo, "access_token", LOGIN)) do
            scenes[i] = { answers = { answer(LOGIN), failure }, act = renew }
        end
        local refused = answer({ code = 190002, msg = echo_of(GIVEN.access_token,
            GIVEN.refresh_token, SECRETS.app_secret) }, "X-Echo: " .. echo .. "\r\n", "400 Bad")
        scenes[#scenes + 1] = { answers = { answer(LOGIN), answer(LOGIN), refused }, act = renew }
        assert.equal(#scenes, act({}, scenes))
        assert.equal(0, act({}, {
            { answers = { answer(LOGIN), answer(LOGIN), GOOD }, act = renew } }))
    end)

    it("are in no outcome of a call with a login", function()
        local refused = answer({ code = 190002, msg = echo_of(GIVEN.access_token,
            GIVEN.refresh_token, SECRETS.app_secret) }, nil, "400 Bad")
        assert.equal(2, act({}, {
            { answers = { answer(LOGIN) }, act = exchange },
            { answers = { GOOD }, act = ask }, { answers = { refused }, act = ask },
            { answers = { answer "<html>" }, act = ask },
        }))
    end)

    local DEVICE = { device_code = GIVEN.device_code, user_code = "AB", interval = 0,
                     verification_uri = "https://x.example/", expires_in = 100 }

    it("are in no outcome of a login on another device", function()
        local prompts, scenes = {}, {}
        local function log_in(client)
            return client:login { user = "alice", on_prompt = function(prompt)
                prompts[#prompts + 1] = prompt
                walk(prompt, "prompt")
            end }
        end
        local header = { basic "cli_1" }
        for _, failure in ipairs(failures(echo_of(header[1], SECRETS.app_secret),
            "device_code", DEVICE)) do
            scenes[#scenes + 1] = { answers = { failure }, act = log_in }
        end
        local begun = #scenes
        for _, failure in ipairs(failures(form_echo_of(GIVEN.device_code, SECRETS.app_secret),
            "access_token", LOGIN)) do
            scenes[#scenes + 1] = { answers = { answer(DEVICE), failure }, act = log_in }
        end
        assert.equal(#scenes, act({}, scenes, header))
        assert.equal(#scenes - begun, #prompts)
        assert.equal(0, act({}, { { answers = { answer(DEVICE), answer(LOGIN) },
                                    act = log_in } }, header))
    end)

    local APP = { code = 0, app_access_token = GIVEN.app_access_token, expire = 7200 }
    local TENANT = { code = 0, tenant_access_token = GIVEN.tenant_access_token, expire = 7200 }

    local function ask_for(tenant_key)
        return function(client)
            return client:primary_calendar { tenant_key = tenant_key, raw = true }
        end
    end

    it("are in no outcome of the tokens of a store app", function()
        local given = { app_type = "store" }
        local function first(client)
            local _, _, meta = client:set_app_ticket(SECRETS.app_ticket)
            walk(meta, "meta")
            return ask_for "tenant-0"(client)
        end
        local echo = echo_of(SECRETS.app_secret, SECRETS.app_ticket)
        for _, failure in ipairs(failures(echo, "app_access_token", APP)) do
            given.store = cloudcal.stores.memory()
            given.app_id = (given.app_id or "cli_") .. "1" -- refusals are remembered
            act(given, { { answers = { failure }, act = first } })
        end
        given.app_id, given.store = "cli_2", cloudcal.stores.memory()
        local scenes = { { answers = { answer(APP), answer(TENANT), GOOD }, act = first } }
        echo = echo_of(GIVEN.app_access_token, SECRETS.app_secret)
        for i, failure in ipairs(failures(echo, "tenant_access_token", TENANT)) do
            -- the second refuses the app token, twice
            local answers = i == 2 and { failure, answer(APP), failure }
                or i == 3 and { answer(APP), failure } or { failure }
            scenes[1 + i] = { answers = answers, act = ask_for("tenant-" .. i) }
        end
        local refused = answer({ code = 190002, msg = echo_of(GIVEN.tenant_access_token,
            SECRETS.app_secret) }, nil, "400 Bad")
        scenes[#scenes + 1] = { answers = { refused }, act = ask_for "tenant-0" }
        assert.equal(#scenes - 1, act(given, scenes))
    end)

    -- A store that fails, and repeats what it could not keep.
    local function talkative(broken)
        local store = cloudcal.stores.memory()
        local own = {}
        function own.get(_, key) return store:get(key) end
        function own.set(_, key, value, seconds)
            if broken.set and value then return nil, "no room for " .. value end
            return store:set(key, value, seconds)
        end
        return setmetatable(own, { __index = store, __metatable = "cloudcal.store" })
    end

    it("are in no message of a store that fails", function()
        local broken = { set = true }
        local function failing_ticket(client)
            return client:set_app_ticket(SECRETS.app_ticket)
        end
        assert.equal(1, act({ store = talkative(broken) },
            { { answers = { GOOD }, act = failing_ticket } }))
        assert.equal(0, act({ store = talkative(broken), app_id = "cli_3" },
            { { answers = { answer(TENANT), GOOD }, act = ask_for() } }))
        assert.equal(1, act({ store = talkative(broken) },
            { { answers = { answer(LOGIN) }, act = exchange } }))
        local function renew_while_broken(client)
            broken.set = false
            assert.is_table((exchange(client)))
            broken.set = true
            local task
            pipeline.moved("now", 7201, function()
                local loop = cloudcal.loop()
                for _ = 1, 3 do task = loop:spawn(ask, client) end
                loop:run()
            end)
            return task:result()
        end
        assert.equal(1, act({ store = talkative(broken) },
            { { answers = { answer(LOGIN) }, act = renew_while_broken } }))
    end)

    it("are in no traceback of what the program raises", function()
        local function fail() error("the program's own mistake") end
        local raising = {
            { {}, answer(DEVICE), function(client) return client:login { on_prompt = fail } end },
            { { user_access_token = fail, identity = "user" }, GOOD, ask_for() },
        }
        for _, way in ipairs(raising) do
            act(way[1], { { answers = { way[2] }, act = function(client)
                local fine, traceback = xpcall(function() return way[3](client) end,
                    debug.traceback)
                assert.is_false(fine)
                assert_clean(traceback, "traceback")
                local loop = cloudcal.loop()
                local task = loop:spawn(function() return way[3](client) end)
                loop:run()
                local _, raised = task:result()
                walk(raised, "what was raised")
                assert_clean(raised.traceback, "traceback of a task")
                lines[1] = lines[1] or {}
                return nil, nil, {}
            end } })
        end
        -- a logger that fails is ignored
        act({ logger = function(...)
            logger(...)
            fail()
        end }, { { answers = { answer(LOGIN) }, act = exchange } })
    end)

    it("are in no result and meta of authorization_url but for the two to be kept", function()
        local client = cloudcal.feishu { app_id = "cli_1", app_secret = SECRETS.app_secret,
                                         logger = logger, log_level = "debug" }
        local url, err, meta = client:authorization_url {
            redirect_uri = browser.redirect_uri, code_verifier = GIVEN.code_verifier }
        assert.equal(GIVEN.code_verifier, meta.code_verifier)
        assert_clean(cloudcal.pretty(meta), "pretty(meta)")
        meta.code_verifier = nil
        look_at_all(client, url, err, meta)
        url, err, meta = client:authorization_url {
            redirect_uri = "no address " .. WORD, code_verifier = GIVEN.code_verifier }
        assert.is_nil(url)
        look_at_all(client, nil, err, meta)
    end)

    -- {======================================================
    -- The same with the sandbox, which repeats whole requests, and ends connections
    -- =======================================================}

    local function queue(path, ...)
        local status = support.exchange(support.exchange_options("feishu", "", {
            url = sandbox.feishu.base_url .. "/_sandbox/faults", ca_file = sandbox.ca_file,
            method = "POST", body = json.encode { path = path, names = { ... } } }))
        assert.equal(200, status)
    end

    local TOKEN = "/open-apis/authen/v2/oauth/token"
    local BEGIN = "/oauth/v1/device_authorization"

    local TRANSPORT = { "echo_secrets", "20003", "20050", "bad_json", "half_json", "html_502",
                        "truncated", "reset", "no_data", "not_utf8", "huge_headers" }

    local function app_of(changes)
        local given = { app_id = sandbox.feishu.app_id, app_secret = SECRETS.app_secret,
                        store = cloudcal.stores.memory(), retry = false }
        for name, value in pairs(changes or {}) do given[name] = value end
        return client_of("feishu", given)
    end

    it("are in no outcome of the sandbox's token endpoints", function()
        local header = { basic(sandbox.feishu.app_id) }
        for _, fault in ipairs(TRANSPORT) do
            queue(TOKEN, fault)
            local client = app_of()
            local result, err, meta = exchange(client)
            assert.is_nil(result)
            look_at_all(client, nil, err, meta)
            queue(BEGIN, fault)
            result, err, meta = client:login { on_prompt = function() error "no prompt" end }
            assert.is_nil(result)
            look_at_all(client, nil, err, meta, header)
        end
    end)

    it("are in no outcome of a store app of the sandbox", function()
        local app, tenant = "/open-apis/auth/v3/app_access_token",
            "/open-apis/auth/v3/tenant_access_token"
        local number = 0
        for _, path in ipairs { app, tenant, "/open-apis/auth/v3/app_ticket/resend" } do
            for _, fault in ipairs(TRANSPORT) do
                number = number + 1
                local client = app_of { app_type = "store" }
                client:set_app_ticket(SECRETS.app_ticket)
                if path == tenant then assert.is_table((ask_for "tenant-0"(client))) end
                queue(path, fault)
                local result, err, meta
                if path == app or path == tenant then
                    result, err, meta = ask_for("tenant-" .. number)(client)
                else
                    result, err, meta = client:resend_app_ticket()
                end
                assert.equal(fault == "no_data" and path:find "resend" and true or nil, result)
                look_at_all(client, result, err, meta)
            end
        end
    end)

    it("are found by no walk over a store", function()
        local path = os.tmpname()
        os.remove(path)
        local inner = fake_dict.new()
        local dict = {}
        for _, name in ipairs { "get", "ttl", "safe_set", "safe_add", "incr", "delete", "expire",
            "flush_expired" } do
            dict[name] = function(_, ...) return inner[name](inner, ...) end
        end
        for _, store in ipairs { cloudcal.stores.memory(), cloudcal.stores.file(path),
                                 cloudcal.stores.nginx(dict) } do
            act({ store = store }, {
                { answers = { answer(LOGIN) }, act = exchange },
                { answers = { GOOD }, act = ask },
                { answers = { GOOD }, act = function(client)
                    return client:set_app_ticket(SECRETS.app_ticket)
                end },
            })
            walk(store, "store")
            assert_clean(cloudcal.pretty(store), "pretty(store)")
        end
        assert_clean(tostring(path), "path")
        os.remove(path)
        os.remove(path .. ".lock")
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
                assert_clean(request.body, "body of " .. request.path)
                for name, value in pairs(request.headers) do assert_clean(value, name) end
            end
        end
        local log = sandbox.log()
        assert.is_true(select(2, log:gsub("\n", "")) > 100)
        assert_clean(log, "the sandbox's log")
    end)
end)
