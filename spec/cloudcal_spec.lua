-- The face of the library: what require "cloudcal" gives.

local cloudcal = require "cloudcal"
local lua = require "spec.lua"
local peer = require "spec.peer"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

describe("require cloudcal", function()
    it("gives the names of the contract", function()
        for _, name in ipairs { "feishu", "lark", "youkong", "assert", "explain", "pretty", "sleep",
                                "loop", "map", "redis", "journal" } do
            assert.is_function(cloudcal[name], name)
        end
        for _, name in ipairs { "stores", "caldav", "log" } do
            assert.is_table(cloudcal[name], name)
        end
        assert.equal(require "cjson".null, cloudcal.null)
        assert.matches("^cloudcal %S+$", cloudcal._VERSION)
    end)

    it("and the constructors load no code table and no sandbox, and set no global", function()
        local output, ok = peer.script [[
            local before = {}
            for name in pairs(_G) do before[name] = true end
            local cloudcal = require "cloudcal"
            local client = cloudcal.feishu { user_access_token = "u-x" }
            cloudcal.lark { app_id = "a", app_secret = "b" }
            cloudcal.youkong { environment = "sandbox" }
            local path = client.calendar.v4.setting.generate_caldav_conf
            for name in pairs(package.loaded) do
                if name:match("^cloudcal%.sandbox") or name:match("^cloudcal%.codes%.")
                    or name:match("^socket") or name:match("^cqueues") then
                    print("loaded " .. name)
                end
            end
            for name in pairs(_G) do
                if not before[name] then print("global " .. name) end
            end
            print("end")
        ]]
        assert.is_true(ok)
        assert.equal("end\n", output)
    end)

    it("and the constructors open no file and no socket", function()
        local output, ok = peer.script [[
            local cloudcal = require "cloudcal"
            local function descriptors()
                local names = {}
                for fd = 0, 63 do
                    local handle = io.open("/proc/self/fdinfo/" .. fd)
                    if handle then
                        handle:close()
                        names[#names + 1] = fd
                    end
                end
                return table.concat(names, " ")
            end
            local before, opened = descriptors(), 0
            local open = io.open
            io.open = function(...) opened = opened + 1; return open(...) end
            cloudcal.feishu { user_access_token = "u-x", ca_file = "/nonexistent",
                base_url = "https://nowhere.invalid", proxy = "http://nowhere.invalid:1" }
            cloudcal.youkong { environment = "sandbox" }
            io.open = open
            print(opened, before == descriptors())
        ]]
        assert.is_true(ok)
        assert.equal("0\ttrue\n", output)
    end)
end)

describe("cloudcal.assert", function()
    it("hands all values through when the first is true", function()
        assert.same({ 1, nil, 3, n = 3 }, lua.pack(cloudcal.assert(1, nil, 3)))
        local calendar, err, meta = cloudcal.assert(support.client "feishu":primary_calendar())
        assert.is_table(calendar)
        assert.is_nil(err)
        assert.is_table(meta)
    end)

    it("raises the error as text, at the caller's line", function()
        local err = select(2, support.client "feishu":generate_caldav_conf { device_nam = "x" })
        local message = pipeline.raises(function() cloudcal.assert(nil, err) end, tostring(err))
        assert.truthy(message:find("device_name", 1, true))
        pipeline.raises(function() cloudcal.assert(false, "plain text") end, "plain text")
        pipeline.raises(function() cloudcal.assert(nil) end, "assertion failed!")
    end)
end)

describe("cloudcal.explain", function()
    it("knows codes offline", function()
        local row = cloudcal.explain(190004)
        assert.equal(190004, row.code)
        assert.equal("method_rate_limited", row.name)
        assert.equal("rate_limited", row.kind)
        assert.equal(429, row.http_status)
        assert.is_true(#row.hint > 10 and #row.hint_zh > 10)
        assert.same(row, cloudcal.explain("190004"))
        assert.equal("unauthenticated", cloudcal.explain(99991663).kind)
        assert.is_nil(cloudcal.explain(1234567890))
        assert.is_nil(cloudcal.explain("nonsense"))
    end)
end)

describe("cloudcal.pretty", function()
    it("prints tables for people, secrets masked", function()
        local text = cloudcal.pretty { b = { 1, "x\n" }, a = cloudcal.null, password = "hidden" }
        assert.is_nil(text:find("hidden", 1, true))
        assert.equal('{\n  a = null,\n  b = {\n    1,\n    "x\\n"\n  },\n'
            .. '  password = "***"\n}', text)
        assert.equal("5", cloudcal.pretty(5))
    end)

    it("takes results, errors and meta", function()
        local conf, _, meta = support.client "feishu":generate_caldav_conf()
        assert.is_nil(cloudcal.pretty(conf):find(conf.password, 1, true))
        assert.truthy(cloudcal.pretty(meta):find("attempts = 1", 1, true))
        local _, err = support.client "feishu":get_exchange_binding("bm9uZQ==")
        assert.truthy(cloudcal.pretty(err):find("195103", 1, true))
    end)
end)

describe("cloudcal.log", function()
    it("has loggers", function()
        assert.is_function(cloudcal.log.stderr)
        assert.is_function(cloudcal.log.nginx)
        assert.truthy(cloudcal.feishu { logger = cloudcal.log.stderr })
    end)
end)

describe("errors", function()
    local function an_error(changes)
        local seen = pipeline.run("feishu", { "190004" }, function()
            return support.client("feishu", changes or {
                user_access_token = support.sandbox().feishu.user_access_token,
            }):primary_calendar { retry = false }
        end)
        return seen.err, seen.meta
    end

    it("hold what the service said and what to do", function()
        local err, meta = an_error()
        assert.equal("rate_limited", err.kind)
        assert.equal(190004, err.code)
        assert.equal("method_rate_limited", err.name)
        assert.equal("method rate limited", err.msg)
        assert.is_nil(err.message:find("\n", 1, true))
        assert.is_true(#err.hint > 10 and #err.hint_zh > 10)
        assert.equal(429, err.http_status)
        assert.equal(meta.log_id, err.log_id)
        assert.equal("feishu", err.service)
        assert.equal("calendar.v4.calendar.primary", err.operation)
        assert.equal("no", err.acted)
        assert.is_true(err.retryable)
        assert.equal("call", err.stage)
        assert.equal(190004, err.body.code)
        assert.matches("^排查建议", err.troubleshooter)
    end)

    it("are one line of text, log id first", function()
        local err = an_error()
        local line = tostring(err)
        assert.is_nil(line:find("\n", 1, true))
        assert.truthy(line:find("log id " .. err.log_id, 1, true) == 1)
        assert.equal("text " .. line, "text " .. err)
        assert.equal(line .. " text", err .. " text")
        local check = select(2, support.client "feishu":generate_caldav_conf { device_name = 5 })
        assert.is_nil(tostring(check):find("log id", 1, true))
    end)

    it("speak Chinese when asked", function()
        local err = an_error { language = "zh",
            user_access_token = support.sandbox().feishu.user_access_token }
        assert.truthy(tostring(err):find("日志 ID " .. err.log_id, 1, true) == 1)
        assert.truthy(tostring(err):find(err.hint_zh, 1, true))
        assert.is_nil(tostring(err):find("\n", 1, true))
    end)

    it("carry violations, helps and the troubleshooter", function()
        local seen = pipeline.run("feishu", { "99991672" }, function()
            return support.client "feishu":primary_calendar()
        end)
        assert.equal("app_setup", seen.err.kind)
        assert.equal("action_scope_required", seen.err.violations[1].type)
        assert.matches("^https://open.feishu.cn/app/", seen.err.helps[1].url)
        seen = pipeline.run("feishu", {}, function()
            return support.client "feishu":request { method = "POST",
                path = "/open-apis/calendar/v4/settings/generate_caldav_conf",
                body = { device_name = ("x"):rep(200) } }
        end)
        assert.equal(99992402, seen.err.code)
        assert.equal("device_name", seen.err.violations[1].field)
    end)

    it("keep the first 4 KiB of an answer that is no JSON", function()
        pipeline.with_scripted("feishu", { pipeline.answer(("<p>"):rep(5000)) },
            { user_access_token = "u-x" }, function(client)
                local _, err = client:primary_calendar()
                assert.is_nil(err.body)
                assert.equal(4096, #err.raw)
            end)
    end)
end)
