-- What the clients of all services have in common: constructors, views, the mirror, raw calls.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local peer = require "spec.peer"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

local raises = pipeline.raises

local COMMON = {
    base_url = "https://calendar.example.com:8443/prefix", allow_plain_http = true,
    ca_file = "/etc/ca.pem", proxy = "socks5h://user:word@proxy.example.com:1080",
    no_proxy = "localhost,.example.com", timeout = 1.5, connect_timeout = 0.5,
    max_response_bytes = 1000, max_connections = 2, http_version = "2",
    retry = { max_attempts = 2, max_delay = 1 }, rate_limit = false, store = false,
    logger = function() end, log_level = "debug", language = "zh", user_agent = "my-app/1",
}

local PLATFORM = {
    accounts_url = "https://accounts.example.com", app_id = "cli_x", app_secret = "secret",
    app_type = "custom", user_access_token = "u-x", tenant_access_token = "t-x",
    identity = "user",
}

local YOUKONG = {
    environment = "production", client_key = "UK1", secret = "s", timestamp_as = "string",
    content_type = "form",
}

local function merged(first, second)
    local result = {}
    for key, value in pairs(first) do result[key] = value end
    for key, value in pairs(second or {}) do result[key] = value end
    return result
end

describe("a constructor", function()
    it("takes every option of the contract", function()
        assert.truthy(cloudcal.feishu(merged(COMMON, PLATFORM)))
        assert.truthy(cloudcal.lark(merged(COMMON, PLATFORM)))
        assert.truthy(cloudcal.youkong(merged(COMMON, YOUKONG)))
        assert.truthy(cloudcal.feishu {})
        assert.truthy(cloudcal.feishu { ca_pem = "text", retry = false, proxy = "env",
            app_id = "a", app_secret = function() end, user_access_token = function() end,
            tenant_access_token = function() end, http_version = "1.1" })
    end)

    it("leaves the table of options alone", function()
        local given = { environment = "sandbox" }
        cloudcal.youkong(given)
        assert.same({ environment = "sandbox" }, given)
        given = { user_access_token = "u-x" }
        local client = cloudcal.feishu(given)
        given.base_url = "https://elsewhere.example.com"
        assert.truthy(tostring(client):find("open.feishu.cn", 1, true))
    end)

    local WRONG = {
        base_url = { 5, "", "open.feishu.cn", "http://example.com", "https://u:p@example.com",
                     "https://example.com?x", "https://example.com#x", "https://example.com/a\nb",
                     "https://example.com\\x", "ftp://example.com", "https://", "https://a b",
                     "https://example.com/../x", "https://example.com:99999",
                     "http://127.0.0.1", "http://127.0.0.1.example.com" },
        allow_plain_http = { "yes", 1 }, ca_file = { 5, "" }, ca_pem = { 5 },
        proxy = { 5, "", "proxy:80", "ftp://proxy", "socks5://proxy" }, no_proxy = { 5 },
        timeout = { "1", 0, -1, 0 / 0, 1 / 0 }, connect_timeout = { "1", 0, -1 },
        max_response_bytes = { "1", 0, -1 }, max_connections = { "1", 0 },
        http_version = { 1.1, "3", 2 },
        retry = { true, 5, { attempts = 1 }, { max_attempts = 0 }, { max_attempts = 1.5 },
                  { max_attempts = "3" }, { max_delay = -1 } },
        rate_limit = { true, { per_hour = 1 }, { per_second = 0 }, 5 },
        store = { true, {}, "x" }, logger = { "x", {}, true },
        log_level = { "loud", 1 }, language = { "de", 1 }, user_agent = { 5, "", "a\r\nB: c" },
    }

    local WRONG_PLATFORM = {
        accounts_url = { 5, "http://x.example.com" }, app_id = { 5, "", "a b" },
        app_secret = { 5, "", {} }, app_type = { "other", 5 }, user_access_token = { 5, {}, true },
        tenant_access_token = { 5, {}, true }, identity = { "app", 5 },
    }

    local WRONG_YOUKONG = {
        environment = { "live", 5, true }, client_key = { 5, "" }, secret = { 5, "" },
        signer = { "x", 5 }, timestamp_as = { "int", 1 }, content_type = { "text", 1 },
    }

    local function refuses(name, wrong, good)
        for option, values in pairs(wrong) do
            for _, value in ipairs(values) do
                local given = merged(good, { [option] = value })
                raises(function() cloudcal[name](given) end, "'" .. option .. "'")
            end
        end
    end

    it("refuses wrong values, names the option, at the caller's line", function()
        refuses("feishu", WRONG, { user_access_token = "u-x" })
        refuses("feishu", WRONG_PLATFORM, { app_id = "a", app_secret = "b" })
        refuses("lark", WRONG_PLATFORM, { app_id = "a", app_secret = "b" })
        refuses("youkong", WRONG, { environment = "sandbox" })
        refuses("youkong", WRONG_YOUKONG, { client_key = "k", secret = "s",
            environment = "sandbox" })
    end)

    it("refuses unknown names and offers the nearest", function()
        raises(function() cloudcal.feishu { user_acces_token = "u-x" } end,
            "'user_acces_token'", "user_access_token")
        raises(function() cloudcal.lark { zzz = 1 } end, "'zzz'")
        raises(function() cloudcal.feishu { [1] = "u-x" } end, "'1'")
        raises(function() cloudcal.feishu { environment = "sandbox" } end, "'environment'")
        raises(function() cloudcal.youkong { environment = "sandbox", app_id = "x" } end,
            "'app_id'")
        raises(function() cloudcal.feishu { user = "alice" } end, "'user'")
    end)

    it("refuses what is no table", function()
        raises(function() cloudcal.feishu() end, "must be a table")
        raises(function() cloudcal.lark "u-x" end, "must be a table")
        raises(function() cloudcal.youkong(5) end, "must be a table")
    end)

    it("refuses options that do not go together", function()
        raises(function() cloudcal.feishu { app_id = "x" } end, "'app_id'", "'app_secret'")
        raises(function() cloudcal.feishu { app_secret = "x" } end, "'app_id'", "'app_secret'")
        raises(function() cloudcal.feishu { ca_file = "x", ca_pem = "y" } end,
            "'ca_file'", "'ca_pem'")
    end)

    it("lets plain http through to this machine only, and only when asked", function()
        for _, host in ipairs { "127.0.0.1:80", "localhost", "[::1]:8080", "127.1.2.3" } do
            assert.truthy(cloudcal.feishu { base_url = "http://" .. host, allow_plain_http = true })
            local given = { base_url = "http://" .. host }
            raises(function() cloudcal.feishu(given) end, "'base_url'")
        end
        for _, host in ipairs { "example.com", "0.0.0.0", "127.0.0.1.example.com", "10.0.0.1",
                                "localhost.example.com" } do
            local given = { base_url = "http://" .. host, allow_plain_http = true }
            raises(function() cloudcal.feishu(given) end, "'base_url'")
        end
    end)

    it("does no I/O: it is quick, whatever the address", function()
        local started = core.now()
        for _ = 1, 200 do
            cloudcal.feishu { base_url = "https://nowhere.invalid", user_access_token = "u-x" }
        end
        assert.is_true(core.now() - started < 2)
    end)

    it("makes clients that are cheap to hold", function()
        collectgarbage()
        local before, clients = collectgarbage "count", {}
        for i = 1, 200 do clients[i] = cloudcal.feishu { user_access_token = "u-x" } end
        assert.is_true((collectgarbage "count" - before) / #clients < 5)
    end)

    it("makes clients that can be collected", function()
        local weak = setmetatable({}, { __mode = "k" })
        for _ = 1, 10 do
            local client = cloudcal.feishu { user_access_token = "u-x" }
            assert.is_table(client.calendar.v4)
            weak[client] = true
        end
        collectgarbage()
        collectgarbage()
        assert.is_nil(next(weak))
    end)
end)

describe("a client", function()
    it("says what it is", function()
        assert.equal("cloudcal.feishu (https://open.feishu.cn)", tostring(cloudcal.feishu {}))
        assert.equal("cloudcal.lark (https://open.larksuite.com)", tostring(cloudcal.lark {}))
        assert.equal("cloudcal.youkong (https://open.atimer.cn)", tostring(cloudcal.youkong {
            environment = "production", client_key = "k", secret = "s" }))
        assert.equal("cloudcal.youkong (https://sandbox.atimer.cn)", tostring(cloudcal.youkong {
            environment = "sandbox" }))
        assert.equal("cloudcal.feishu (https://h.example.com/p)", tostring(cloudcal.feishu {
            base_url = "https://h.example.com/p/" }))
    end)

    it("shows nothing and cannot be taken apart", function()
        local client = cloudcal.feishu { user_access_token = "u-x" }
        assert.is_nil(next(client))
        assert.equal("cloudcal.client", getmetatable(client))
        assert.has_error(function() setmetatable(client, {}) end)
        assert.is_nil(client.options)
        assert.is_nil(client.no_such_thing)
    end)

    it("appends the endpoint's path to the prefix of base_url", function()
        for _, slash in ipairs { "", "/" } do
            local base_url = support.sandbox().feishu.base_url .. "/some/prefix" .. slash
            local seen = pipeline.run("feishu", {}, function()
                return support.client("feishu", { base_url = base_url,
                    user_access_token = "u-x" }):primary_calendar()
            end)
            assert.equal("/some/prefix/open-apis/calendar/v4/calendars/primary",
                seen.requests[1].path)
            assert.equal("bad_response", seen.err.kind)
        end
    end)

    it("says who it is, after the text of the program", function()
        local seen = pipeline.run("feishu", {}, function()
            return support.client("feishu", { user_access_token = "u-x",
                user_agent = "my-app/1" }):primary_calendar()
        end)
        assert.matches("^my%-app/1 cloudcal/%S+$", seen.requests[1].headers["user-agent"])
        seen = pipeline.run("feishu", {}, function()
            return support.client "feishu":primary_calendar()
        end)
        assert.matches("^cloudcal/%S+$", seen.requests[1].headers["user-agent"])
    end)

    it("speaks HTTP over a proxy only when asked", function()
        local client = support.client("feishu", { user_access_token = "u-x",
            proxy = "http://127.0.0.1:1", retry = false })
        local _, err = client:primary_calendar()
        assert.equal("network", err.kind)
        assert.equal("no", err.acted)
        local through = client:with { no_proxy = "127.0.0.1" }
        _, err = through:primary_calendar()
        assert.equal("unauthenticated", err.kind)
    end)

    it("looks at the environment's proxies only when asked", function()
        local sandbox = support.sandbox()
        local script = [[
            local client = require "cloudcal".feishu { base_url = given.base_url, retry = false,
                ca_file = given.ca_file, user_access_token = given.token,
                proxy = given.proxy ~= "" and given.proxy or nil }
            local result, err = client:primary_calendar()
            print(result and "fine" or err.kind)
        ]]
        for proxy, outcome in pairs { [""] = "fine", env = "network" } do
            local output = peer.script(script, { base_url = sandbox.feishu.base_url,
                ca_file = sandbox.ca_file, token = sandbox.feishu.user_access_token,
                proxy = proxy }, "https_proxy=http://127.0.0.1:1 no_proxy= NO_PROXY= %s")
            assert.equal(outcome .. "\n", output)
        end
    end)

    it("asks for HTTP/2 when told to, and takes what the service speaks", function()
        local client = support.client("feishu", { http_version = "2",
            user_access_token = support.sandbox().feishu.user_access_token })
        assert.is_table((client:primary_calendar()))
    end)

    it("raises clearly when it is called with a dot", function()
        local client, youkong = support.client "feishu", support.client "youkong"
        local COLON = "client:name(...)"
        raises(function() client.generate_caldav_conf({}) end, COLON)
        raises(function() client.create_exchange_binding({}) end, COLON)
        raises(function() client.get_exchange_binding("x") end, COLON)
        raises(function() client.delete_exchange_binding("x") end, COLON)
        raises(function() client.wait_exchange_binding("x") end, COLON)
        raises(function() client.primary_calendar() end, COLON)
        raises(function() client.request {} end, COLON)
        raises(function() client.with {} end, COLON)
        raises(function() youkong.put_calendar("u", {}) end, COLON)
        raises(function() youkong.create_calendar("u", {}) end, COLON)
        raises(function() youkong.update_calendar("u", {}) end, COLON)
    end)
end)

describe("a view", function()
    it("changes options and keeps the others", function()
        local client = support.client("feishu", {
            user_access_token = support.sandbox().feishu.user_access_token })
        local view = client:with { user_agent = "view/1", tenant_key = "t", user = "alice" }
        local seen = pipeline.run("feishu", {}, function() return view:primary_calendar() end)
        assert.is_table(seen.result)
        assert.matches("^view/1 ", seen.requests[1].headers["user-agent"])
        seen = pipeline.run("feishu", {}, function() return client:primary_calendar() end)
        assert.matches("^cloudcal/", seen.requests[1].headers["user-agent"])
        assert.equal(tostring(client), tostring(view))
        local other = client:with { base_url = "https://h.example.com" }
        assert.equal("cloudcal.feishu (https://h.example.com)", tostring(other))
        assert.equal(tostring(other), tostring(other:with { timeout = 1 }))
    end)

    it("shares connections and tokens", function()
        local known = support.sandbox().feishu
        local client = support.client("feishu", { app_id = known.app_id,
            app_secret = known.app_secret })
        local seen = pipeline.run("feishu", {}, function()
            client:primary_calendar()
            return client:with { tenant_key = "t" }:primary_calendar()
        end)
        assert.is_true(#seen.tokens <= 1)
        assert.equal(2, #seen.calls)
        assert.equal(seen.calls[1].connection, seen.calls[2].connection)
    end)

    it("refuses what the constructor refuses, at the caller's line", function()
        local client = cloudcal.feishu { user_access_token = "u-x" }
        local _, err = client:request { path = "/x", query = { ids = { nil, "b" } } }
        assert.same({ "invalid_request", "query.ids" }, { err.kind, err.field })
        assert.truthy(tostring(client:with { ca_pem = "x" })) -- takes the place of ca_file
        raises(function() client:with { timeout = "1" } end, "'timeout'")
        raises(function() client:with { timeot = 1 } end, "'timeot'", "timeout")
        raises(function() client:with { app_id = "x" } end, "'app_secret'")
        raises(function() client:with { user = 5 } end, "'user'")
        raises(function() client:with { tenant_key = "a b" } end, "'tenant_key'")
        raises(function() client:with() end, "must be a table")
        raises(function() client:with "x" end, "must be a table")
    end)
end)

describe("the mirror", function()
    it("has the names of the SDKs, on feishu and on lark", function()
        for _, name in ipairs { "feishu", "lark" } do
            local v4 = support.client(name).calendar.v4
            assert.is_function(v4.setting.generate_caldav_conf)
            assert.is_function(v4.exchange_binding.create)
            assert.is_function(v4.exchange_binding.get)
            assert.is_function(v4.exchange_binding.delete)
            assert.is_function(v4.calendar.primary)
            assert.is_nil(support.client(name).allinone)
            assert.is_nil(support.client(name).auth)
        end
        local youkong = support.client "youkong"
        assert.is_function(youkong.allinone.putcalendar)
        assert.is_nil(youkong.calendar)
        assert.equal(youkong.allinone, youkong.allinone)
    end)

    it("raises for what is no table and for unknown sections", function()
        local primary = support.client "feishu".calendar.v4.calendar.primary
        raises(function() primary("x") end, "must be a table")
        raises(function() primary(5) end, "must be a table")
        raises(function() primary { quer = {} } end, "'quer'", "query")
        local hostile = setmetatable({ quer = {} }, { __eq = function() error "it was asked" end })
        raises(function() primary(hostile) end, "'quer'", "query")
        raises(function() primary { body = {} } end, "'body'")
        raises(function() primary { path = {} } end, "'path'")
        raises(function() primary { repeatable = true } end, "'repeatable'")
        raises(function() primary { timeout = "1" } end, "'timeout'")
    end)

    it("says how it is called where a colon stands for the dot", function()
        local client = support.client "feishu"
        raises(function() client.calendar.v4.calendar:primary {} end,
            "call it with a dot: calendar.v4.calendar.primary(...)")
        raises(function() client.calendar.v4.calendar:primary() end, "call it with a dot")
    end)

    it("knows what others call its options", function()
        local client = support.client "feishu"
        local v4 = client.calendar.v4
        for _, name in ipairs { "user_access_token", "tenant_access_token" } do
            raises(function() v4.calendar.primary { [name] = "u-x" } end,
                "unknown option '" .. name .. "'; did you mean 'token'?")
            raises(function() client:primary_calendar { [name] = "u-x" } end,
                "did you mean 'token'?")
        end
        raises(function() v4.calendar.primary { params = {} } end,
            "unknown option 'params'; did you mean 'query'?")
        raises(function() v4.exchange_binding.create { params = {} } end,
            "did you mean 'query' or 'body'?")
        raises(function() v4.exchange_binding.create { data = {} } end,
            "did you mean 'body'?")
    end)

    it("refuses unknown fields as data, naming the nearest", function()
        local v4 = support.client "feishu".calendar.v4
        local cases = {
            { v4.setting.generate_caldav_conf, { body = { device_nam = "x" } },
              "body.device_nam", "device_name" },
            { v4.calendar.primary, { query = { user_id_typ = "x" } }, "query.user_id_typ",
              "user_id_type" },
            { v4.exchange_binding.get, { path = { exchange_bindin_id = "x" } },
              "path.exchange_bindin_id", "exchange_binding_id" },
            { v4.exchange_binding.get, {}, "path.exchange_binding_id", "required" },
            { v4.exchange_binding.get, { path = { exchange_binding_id = "" } },
              "path.exchange_binding_id", "" },
            { v4.exchange_binding.get, { path = { exchange_binding_id = ".." } },
              "path.exchange_binding_id", "" },
            { v4.setting.generate_caldav_conf, { body = "x" }, "body", "table" },
            { v4.setting.generate_caldav_conf, { body = { device_name = "\255" } },
              "body.device_name", "UTF-8" },
        }
        for _, case in ipairs(cases) do
            local seen = pipeline.run("feishu", {}, function() return case[1](case[2]) end)
            assert.equal("invalid_request", seen.err.kind)
            assert.equal("check", seen.err.stage)
            assert.equal("no", seen.err.acted)
            assert.is_false(seen.err.retryable)
            assert.equal(case[3], seen.err.field)
            assert.truthy(seen.err.message:find(case[4], 1, true))
            assert.equal(0, #seen.requests)
        end
    end)

    it("leaves the caller's tables alone", function()
        local given = { query = { user_id_type = "open_id" }, timeout = 5 }
        support.client "feishu".calendar.v4.calendar.primary(given)
        assert.same({ query = { user_id_type = "open_id" }, timeout = 5 }, given)
    end)
end)

describe("a raw call", function()
    local PRIMARY = "/open-apis/calendar/v4/calendars/primary"

    it("is a GET unless it says otherwise, with its query", function()
        local seen = pipeline.run("feishu", {}, function()
            return support.client "feishu":request { path = "/open-apis/calendar/v4/calendars",
                query = { page_size = 50, b = { "x&y", "z" }, c = true, d = "是" } }
        end)
        assert.equal("GET", seen.requests[1].method)
        assert.equal("b=x%26y&b=z&c=true&d=%E6%98%AF&page_size=50", seen.requests[1].query)
        assert.equal("wrong_path_or_base_url", seen.err.name)
        assert.equal("GET /open-apis/calendar/v4/calendars", seen.err.operation)
    end)

    it("has the token and the error handling of all calls", function()
        local seen = pipeline.run("feishu", {}, function()
            return support.client "feishu":request { method = "POST", path = PRIMARY }
        end)
        assert.equal(0, seen.result.code)
        assert.is_table(seen.result.data.calendars)
        assert.equal("Bearer u-***", seen.requests[1].headers.authorization)
        seen = pipeline.run("feishu", { "190006" }, function()
            return support.client "feishu":request { method = "POST", path = PRIMARY }
        end)
        assert.equal("app_setup", seen.err.kind)
    end)

    it("takes each method, with and without a body", function()
        for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
            local seen = pipeline.run("feishu", {}, function()
                return support.client "feishu":request { method = method, path = "/x" }
            end)
            assert.equal(method, seen.requests[1].method)
            if method ~= "GET" then
                seen = pipeline.run("feishu", {}, function()
                    return support.client "feishu":request { method = method, path = "/x",
                        body = { a = 1 } }
                end)
                assert.equal('{"a":1}', seen.requests[1].body)
                assert.equal(method, seen.requests[1].method)
            end
        end
    end)

    it("raises for mistakes of the program", function()
        local client = support.client "feishu"
        raises(function() client:request() end, "must be a table")
        raises(function() client:request "x" end, "must be a table")
        raises(function() client:request {} end, "path")
        raises(function() client:request { path = 5 } end, "path")
        raises(function() client:request { path = "/x", method = "get" } end, "method")
        raises(function() client:request { path = "/x", query = "a=b" } end, "query")
        raises(function() client:request { path = "/x", method = "POST", body = 5 } end, "body")
        raises(function() client:request { path = "/x", repeatable = 1 } end, "repeatable")
        raises(function() client:request { path = "/x", unknown = 1 } end, "'unknown'")
    end)

    it("refuses bad data before it is sent", function()
        local cases = {
            { { path = "x" }, "path" }, { { path = "//x" }, "path" }, { { path = "" }, "path" },
            { { path = "/a/../b" }, "path" }, { { path = "/a?b=c" }, "path" },
            { { path = "/a b" }, "path" }, { { path = "/a\r\nb" }, "path" },
            { { path = "/%2e%2e/b" }, "path" }, { { path = "/a#b" }, "path" },
            { { path = "/x", body = {} }, "body" },
            { { path = "/x", query = { n = 1.5 } }, "query.n" },
            { { path = "/x", query = { n = 0 / 0 } }, "query.n" },
            { { path = "/x", query = { n = cloudcal.null } }, "query.n" },
            { { path = "/x", query = { [1] = "a" } }, "query.1" },
        }
        for _, case in ipairs(cases) do
            local seen = pipeline.run("feishu", {}, function()
                return support.client "feishu":request(case[1])
            end)
            assert.equal("invalid_request", seen.err.kind)
            assert.equal("check", seen.err.stage)
            assert.equal(case[2], seen.err.field)
            assert.equal(0, #seen.requests)
        end
    end)
end)
