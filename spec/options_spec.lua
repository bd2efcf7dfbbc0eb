local base_urls = require "spec.base_urls"
local cloudcal = require "cloudcal"
local options = require "cloudcal.options"

local BASES = {
    feishu = {}, lark = {},
    youkong = { environment = "sandbox", client_key = "UKspec", secret = "s3cr3t" },
}

local function given_to(service, changes)
    local given = {}
    for name, value in pairs(BASES[service]) do given[name] = value end
    for name, value in pairs(changes) do given[name] = value end
    return given
end

local function make(service, changes)
    return pcall(function()
        local client = cloudcal[service](given_to(service, changes)) -- no tail call: it has no line
        return client
    end)
end

local function takes(service, changes)
    local fine, problem = make(service, changes)
    assert.is_true(fine, tostring(problem))
end

-- The message points at this file, in one line, and names the option.
local function refuses(service, changes, name)
    local fine, problem = make(service, changes)
    assert.is_false(fine, ("%s was taken"):format(name))
    assert.is_truthy(problem:find("^spec/options_spec.lua:%d+: "), problem)
    assert.is_truthy(problem:find("'" .. name .. "'", 1, true), problem)
    assert.is_nil(problem:find("\n"), problem)
    return problem
end

local function nothing() end

local CO = coroutine.create(nothing)
local LINE_RIGHT = { "a", "有空 1.0", "x/1 (y)" }
local LINE_WRONG = { "", "a\nb", "a\rb", "a\0b", "a\tb", "a\127", "\255", 1, true, {}, nothing }
local WORD_RIGHT = { "a", "cli_a1b2", "UK155728046140bd", ("x"):rep(5000) }
local WORD_WRONG = { "", " ", "a b", "a\n", "a\0", "有空", "a\127", 1, true, {} }
local SECONDS_RIGHT = { 0.001, 1, 30, 86400, 604800 }
local SECONDS_WRONG = { 0, -1, 604801, 1 / 0, -1 / 0, 0 / 0, "30", true, {}, nothing }
local BOOL_WRONG = { "true", 1, 0, {}, nothing }
local URL_WRONG = { "", 1, true, {}, nothing, "open.feishu.cn", "ftp://a.example" }

local COMMON = {
    base_url = { { "https://a.example", "https://a.example:8443/x" }, URL_WRONG },
    allow_plain_http = { { true, false }, BOOL_WRONG },
    ca_file = { { "/etc/ssl/ca.pem", "有空.pem" }, LINE_WRONG },
    ca_pem = { { "-----BEGIN CERTIFICATE-----\nx\n", "" }, { 1, true, {}, nothing } },
    proxy = {
        { "env", "http://p.example:3128", "https://p.example", "socks5h://u:p@p.example:1080" },
        { "", "p.example:3128", "socks5://p.example", "socks4://p.example", "ftp://p.example",
          "http://", "http:///x", "http://a b", "ENV", 1, true, {}, "http://p.example:x",
          "http://p\n.example" },
    },
    no_proxy = { { "localhost,.example", "*" }, LINE_WRONG },
    timeout = { SECONDS_RIGHT, SECONDS_WRONG },
    connect_timeout = { SECONDS_RIGHT, SECONDS_WRONG },
    max_response_bytes = { { 1, 4096, 2 ^ 31, 8388608.0 },
                           { 0, -1, 1.5, 2 ^ 31 + 1, 1 / 0, 0 / 0, "1", true, {} } },
    max_connections = { { 1, 32, 10000 }, { 0, -1, 2.5, 10001, 1 / 0, 0 / 0, "1", true, {} } },
    http_version = { { "1.1", "2" }, { "1.0", "3", "", 1.1, 2, true, {} } },
    retry = {
        { false, {}, { max_attempts = 1 }, { max_delay = 0 }, { max_attempts = 100,
          max_delay = 3600 }, { max_delay = 0.5 } },
        { true, 3, "3", { max_attempts = 0 }, { max_attempts = 101 }, { max_attempts = 1.5 },
          { max_attempts = "3" }, { max_attempts = 0 / 0 }, { max_delay = -1 },
          { max_delay = 3601 }, { max_delay = "1" }, { attempts = 3 }, { 3 }, { [{}] = 1 } },
    },
    rate_limit = { { false }, { true, 1, "x" } },
    store = { { false }, { true, 1, "x" } },
    logger = { { nothing, cloudcal.log.stderr }, { "stderr", true, 1, {} } },
    log_level = { { "debug", "info", "warn", "error" }, { "", "WARN", "trace", 1, true, {} } },
    language = { { "en", "zh" }, { "", "EN", "zh-CN", 1, true, {} } },
    user_agent = { LINE_RIGHT, LINE_WRONG },
}

local PLATFORM = {
    accounts_url = { { "https://accounts.example" }, URL_WRONG },
    app_type = { { "custom", "store", "isv" }, { "", "Custom", "Store", 1, true, {} } },
    user_access_token = { { "u-x", nothing }, { 1, true, {}, CO } },
    tenant_access_token = { { "t-x", nothing }, { 1, true, {}, CO } },
    identity = { { "user", "tenant" }, { "", "app", "User", 1, true, {} } },
}

local YOUKONG = {
    environment = { { "sandbox", "production" }, { "", "Sandbox", "test", 1, true, {} } },
    client_key = { WORD_RIGHT, WORD_WRONG },
    secret = { WORD_RIGHT, WORD_WRONG },
    timestamp_as = { { "number", "string" }, { "", "integer", 1, true, {} } },
    content_type = { { "json", "form" }, { "", "application/json", 1, true, {} } },
}

local function each_row(service, rows, visit)
    for name, row in pairs(rows) do
        it(("of %s: %s"):format(service, name), function()
            assert.is_true(#row[1] > 0 and #row[2] > 0)
            visit(name, row)
        end)
    end
end

for service, own in pairs { feishu = PLATFORM, lark = PLATFORM, youkong = YOUKONG } do
    describe("an option", function()
        for _, rows in ipairs { COMMON, own } do
            each_row(service, rows, function(name, row)
                for _, value in ipairs(row[1]) do takes(service, { [name] = value }) end
                for _, value in ipairs(row[2]) do refuses(service, { [name] = value }, name) end
            end)
        end
    end)
end

describe("options", function()
    it("are all tried here", function()
        local tried = { app_id = true, app_secret = true, signer = true }
        for _, rows in ipairs { COMMON, PLATFORM, YOUKONG } do
            for name in pairs(rows) do tried[name] = true end
        end
        for _, set in ipairs { options.platform, options.youkong } do
            for name in pairs(set) do assert.is_true(tried[name], name) end
        end
    end)

    it("app_id and app_secret go together", function()
        for _, secret in ipairs { "x", nothing } do
            takes("feishu", { app_id = "cli_x", app_secret = secret })
        end
        refuses("feishu", { app_id = "cli_x" }, "app_secret")
        refuses("feishu", { app_secret = "x" }, "app_id")
        for _, value in ipairs(WORD_WRONG) do
            refuses("lark", { app_id = value, app_secret = "x" }, "app_id")
            refuses("lark", { app_id = "cli_x", app_secret = value }, "app_secret")
        end
        refuses("lark", { app_id = nothing, app_secret = "x" }, "app_id")
    end)

    it("ca_file and ca_pem exclude each other", function()
        refuses("feishu", { ca_file = "/x", ca_pem = "x" }, "ca_file")
    end)

    it("of Youkong: key and secret or signer, an environment or a base_url", function()
        local function opened(given)
            return pcall(function()
                local client = cloudcal.youkong(given)
                return client
            end)
        end
        local function refused(given, name)
            local fine, problem = opened(given)
            assert.is_false(fine)
            assert.is_truthy(problem:find("^spec/options_spec.lua:%d+: .*'" .. name .. "'"),
                problem)
        end
        refused({}, "environment")
        refused({ client_key = "UKx", secret = "s" }, "environment")
        refused({ environment = "production" }, "client_key")
        refused({ base_url = "https://a.example" }, "client_key")
        refused({ environment = "sandbox", client_key = "UKx" }, "secret")
        refused({ environment = "sandbox", secret = "s" }, "client_key")
        refused({ environment = "sandbox", signer = nothing }, "client_key")
        refused({ environment = "sandbox", client_key = "UKx", secret = "s", signer = nothing },
            "signer")
        refused({ environment = "sandbox", client_key = "UKx", signer = "s" }, "signer")
        refused({ environment = "production", client_key = "UK155728046140bc", secret = "x" },
            "client_key")
        assert.is_true(opened { environment = "production", client_key = "UKx", signer = nothing })
        assert.is_true(opened { base_url = "https://a.example", client_key = "UKx", secret = "s" })
        assert.is_true(opened { environment = "sandbox" })
    end)

    it("are a table", function()
        for _, service in ipairs { "feishu", "lark", "youkong" } do
            for _, value in ipairs { "x", 1, true, nothing } do
                local fine, problem = pcall(function()
                    local client = cloudcal[service](value)
                    return client
                end)
                assert.is_false(fine)
                assert.is_truthy(problem:find("^spec/options_spec.lua:%d+: .*table"), problem)
            end
            assert.is_false(pcall(cloudcal[service]))
        end
    end)

    it("with an unknown name are refused with the nearest known one", function()
        for wrong, known in pairs {
            base_ur = "base_url", baseurl = "base_url", timout = "timeout", Timeout = "timeout",
            user_acces_token = "user_access_token", appid = "app_id", app_secert = "app_secret",
            langauge = "language", loger = "logger", prox = "proxy", ca_path = "ca_file",
        } do
            local problem = refuses("feishu", { [wrong] = "x" }, wrong)
            if wrong ~= "ca_path" then
                assert.is_truthy(problem:find("did you mean '" .. known .. "'?", 1, true), problem)
            end
        end
        refuses("youkong", { Secret = "x" }, "Secret")
        refuses("youkong", { app_id = "cli_x" }, "app_id")
        refuses("feishu", { secret = "x" }, "secret")
        local problem = refuses("feishu", { quite_another_thing = 1 }, "quite_another_thing")
        assert.is_nil(problem:find("mean", 1, true))
        refuses("feishu", { "x" }, "1")
        refuses("feishu", { [true] = "x" }, "true")
    end)

    it("with a name that cannot be text are refused all the same", function()
        local name = setmetatable({}, { __tostring = function() error "called" end })
        local fine, problem = make("feishu", { [name] = 1 })
        assert.is_false(fine)
        assert.is_truthy(problem:find("unknown option", 1, true), problem)
        fine, problem = make("feishu", { retry = { [name] = 1 } })
        assert.is_false(fine)
        assert.is_truthy(problem:find("'retry'", 1, true), problem)
    end)

    it("of a view are checked too, at the caller's line", function()
        local client = cloudcal.feishu { app_id = "cli_x", app_secret = "y" }
        assert.is_truthy(client:with { user = "alice", tenant_key = "k", timeout = 1 })
        for name, value in pairs { user = "", tenant_key = "a b", timeout = 0, usr = "x" } do
            local fine, problem = pcall(function() client:with { [name] = value } end)
            assert.is_false(fine)
            assert.is_truthy(problem:find("^spec/options_spec.lua:%d+: .*'" .. name .. "'"),
                problem)
        end
        refuses("feishu", { user = "alice" }, "user")
    end)

    it("of a call are checked too, at the caller's line", function()
        local client = cloudcal.feishu { user_access_token = "u-x" }
        local wrong = { identity = "app", token = 1, user = "", tenant_key = "", timeout = 0,
                        headers = "x", retry = true, raw = 1, timout = 1, device_name = "x" }
        for name, value in pairs(wrong) do
            for level, call in ipairs {
                function() client:generate_caldav_conf({}, { [name] = value }) end,
                function() client.calendar.v4.setting.generate_caldav_conf { [name] = value } end,
                function() client:request { path = "/x", [name] = value } end,
            } do
                local fine, problem = pcall(call)
                assert.is_false(fine, level .. " " .. name)
                assert.is_truthy(problem:find("^spec/options_spec.lua:%d+: .*'" .. name .. "'"),
                    problem)
            end
        end
    end)
end)

describe("base_url", function()
    it("has right and wrong ones enough", function()
        assert.is_true(#base_urls.right >= 25 and #base_urls.wrong >= 60)
    end)

    for _, url in ipairs(base_urls.right) do
        it("takes " .. url:sub(1, 60), function() takes("feishu", { base_url = url }) end)
    end

    for _, url in ipairs(base_urls.wrong) do
        it("refuses " .. url:sub(1, 60):gsub("%c", "?"), function()
            refuses("feishu", { base_url = url }, "base_url")
            refuses("lark", { accounts_url = url }, "accounts_url")
        end)
    end

    it("may be plain http to a loopback address, when that is allowed", function()
        for _, host in ipairs(base_urls.loopback) do
            takes("feishu", { base_url = "http://" .. host, allow_plain_http = true })
            takes("feishu", { base_url = "https://" .. host, allow_plain_http = true })
            refuses("feishu", { base_url = "http://" .. host, allow_plain_http = false },
                "base_url")
            refuses("feishu", { base_url = "http://" .. host }, "base_url")
        end
        for _, host in ipairs(base_urls.far) do
            refuses("feishu", { base_url = "http://" .. host, allow_plain_http = true }, "base_url")
        end
    end)
end)

describe("options.is_path", function()
    it("takes plain paths only", function()
        for _, path in ipairs { "/", "/a", "/a/b", "/a/", "/a:b", "/%E6", "/.a", "/a.", "/..." } do
            assert.is_truthy(options.is_path(path), path)
        end
        for _, path in ipairs { "", "a", "//a", "/a?b", "/a#b", "/a\\b", "/a b", "/a\n", "/a\0",
                                "/有空", "/.", "/..", "/a/../b", "/a/%2e%2E/b", "/%2e", "/a\127" } do
            assert.is_falsy(options.is_path(path), path)
        end
    end)
end)
