local cloudcal = require "cloudcal"
local errors = require "cloudcal.errors"

local KINDS = {
    invalid_request = "请求无效", unauthenticated = "身份验证失败", login_required = "需要重新登录",
    app_setup = "应用配置有误", permission_denied = "没有权限", not_found = "对象不存在",
    rate_limited = "触发频率限制", quota_exhausted = "调用量已达上限", service_error = "服务端错误",
    rejected = "请求被拒绝", bad_response = "响应异常", too_large = "响应过大",
    network = "网络错误", tls = "TLS 错误", timeout = "超时", cancelled = "已取消",
    cannot_wait = "当前阶段不能等待", out_of_memory = "内存不足",
}

local TRANSIENT = { rate_limited = true, service_error = true, network = true, timeout = true }

local function context(changes)
    local all = { service_name = "feishu", operation = "calendar.v4.calendar.primary" }
    for name, value in pairs(changes or {}) do all[name] = value end
    return all
end

local function limited(changes, more)
    local fields = { kind = "rate_limited", code = 190004, name = "method_rate_limited",
                     message = "method rate limited", hint = "Wait.", hint_zh = "请稍候。",
                     log_id = "2026abc" }
    for name, value in pairs(more or {}) do fields[name] = value end
    return errors.new(fields, context(changes))
end

describe("an error as text", function()
    it("is one line, log id first", function()
        assert.equal("log id 2026abc: feishu calendar.v4.calendar.primary: rate_limited 190004 "
            .. "method_rate_limited: method rate limited | Wait.", tostring(limited()))
    end)

    it("is in Chinese when asked", function()
        assert.equal("日志 ID 2026abc：feishu calendar.v4.calendar.primary：触发频率限制"
            .. "（rate_limited 190004 method_rate_limited）：method rate limited | 请稍候。",
            tostring(limited { language = "zh" }))
    end)

    it("does without log id, hint, code and service", function()
        local err = errors.new({ kind = "network", name = "odd", message = "m" }, context())
        assert.equal("feishu calendar.v4.calendar.primary: network odd: m", tostring(err))
        err = errors.new({ name = "cannot_wait", message = "m" }, { operation = "sleep" })
        assert.is_truthy(tostring(err):find("^sleep: cannot_wait cannot_wait: m | "))
        err = errors.new({ kind = "network", message = "m" }, {})
        assert.is_truthy(tostring(err):find("network: m$"))
    end)

    it("stays one line whatever the service says", function()
        for _, language in ipairs { "en", "zh" } do
            local err = limited({ language = language }, { message = "a\r\nb\tc\n\n d",
                log_id = "x\ny", name = "n\nm", hint = "h\nh", hint_zh = "h\nh" })
            assert.is_nil(tostring(err):find("[\r\n\t]"))
            assert.equal("a b c d", err.message)
        end
    end)

    it("joins with text on both sides, and with another error", function()
        local err = limited()
        assert.equal("failed: " .. tostring(err), "failed: " .. err)
        assert.equal(tostring(err) .. "!", err .. "!")
        assert.equal(tostring(err) .. tostring(err), err .. err)
        assert.equal("1" .. tostring(err), 1 .. err)
    end)

    it("is what cloudcal.assert raises", function()
        local err = limited()
        local fine, raised = pcall(function() cloudcal.assert(nil, err) end)
        assert.is_false(fine)
        assert.is_truthy(raised:find("^spec/errors_spec.lua:%d+: log id 2026abc: feishu "))
        assert.same({ 1, nil, 3, n = 3 }, { n = select("#", cloudcal.assert(1, nil, 3)),
            cloudcal.assert(1, nil, 3) })
        fine, raised = pcall(cloudcal.assert, nil)
        assert.is_false(fine)
        assert.equal("string", type(raised))
    end)

    it("shows a kind that somebody has put there", function()
        local err = limited { language = "zh" }
        err.kind = "odd"
        assert.truthy(tostring(err):find("odd", 1, true))
    end)

    for kind, chinese in pairs(KINDS) do
        it("names the kind " .. kind, function()
            local fields = { kind = kind, name = "n", message = "m" }
            assert.is_truthy(tostring(errors.new(fields, context())):find(": " .. kind .. " n: m"))
            local text = tostring(errors.new(fields, context { language = "zh" }))
            assert.is_truthy(text:find(chinese .. "（" .. kind .. " n）：m", 1, true))
        end)
    end
end)

describe("an error object", function()
    it("fills in what is known of its name, and no more than that", function()
        local err = errors.new({ name = "no_credentials", message = "m" }, context())
        assert.equal("unauthenticated", err.kind)
        assert.is_truthy(err.hint:find("app_id", 1, true))
        assert.is_truthy(err.hint_zh:find("app_id", 1, true))
        err = errors.new({ name = "no_credentials", kind = "rejected", hint = "h", message = "m" },
            context())
        assert.equal("rejected", err.kind)
        assert.equal("h", err.hint)
        assert.is_truthy(err.hint_zh:find("app_id", 1, true))
    end)

    it("says no and call unless told, and who was called", function()
        local err = limited()
        assert.equal("no", err.acted)
        assert.equal("call", err.stage)
        assert.equal("feishu", err.service)
        assert.equal("calendar.v4.calendar.primary", err.operation)
        err = limited(nil, { acted = "maybe", stage = "token" })
        assert.equal("maybe", err.acted)
        assert.equal("token", err.stage)
    end)

    it("is known as one, and its metatable is closed", function()
        assert.is_true(errors.is_error(limited()))
        for _, other in ipairs { {}, "text", 1, true, setmetatable({}, {}) } do
            assert.is_false(errors.is_error(other))
        end
        assert.is_false(errors.is_error(nil))
        assert.is_false(pcall(setmetatable, limited(), {}))
    end)

    it("is retryable for the passing kinds, and only if a repeat is safe", function()
        local count = 0
        for kind in pairs(KINDS) do
            for _, acted in ipairs { "no", "maybe", "yes" } do
                for _, repeatable in ipairs { true, false } do
                    local err = errors.new({ kind = kind, acted = acted, message = "m" },
                        context { repeatable = repeatable })
                    local safe = acted == "no" or (acted == "maybe" and repeatable)
                    assert.equal(TRANSIENT[kind] == true and safe, err.retryable,
                        ("%s %s %s"):format(kind, acted, tostring(repeatable)))
                    count = count + 1
                end
            end
            assert.equal(TRANSIENT[kind] == true, errors.is_transient(kind))
        end
        assert.equal(18 * 6, count)
    end)
end)

local function walk(value, visit, seen)
    seen = seen or {}
    if type(value) ~= "table" or seen[value] then return visit(value) end
    seen[value] = true
    for key, member in next, value do
        walk(key, visit, seen)
        walk(member, visit, seen)
    end
end

describe("secrets in an error", function()
    local FIELDS = { "message", "msg", "log_id", "field", "raw", "troubleshooter", "code" }

    it("that are words of ours change nothing that a program branches on", function()
        local given = { kind = "rejected", name = "wrong_app_secret", stage = "token", acted = "no",
            hint = "the secret is wrong", hint_zh = "secret", message = "x" }
        local secrets = { "rejected", "secret", "token", "wrong" }
        local err = errors.new(given, context { secrets = secrets })
        for _, name in ipairs { "kind", "name", "stage", "acted", "hint", "hint_zh" } do
            assert.equal(given[name], err[name])
        end
    end)

    it("are masked in every field, key, nested value, and in the text", function()
        local fields = { kind = "rejected", message = "m" }
        for _, name in ipairs(FIELDS) do fields[name] = "has hush-hush inside" end
        fields.body = { data = { { "hush-hush" } }, ["hush-hush"] = 1, error = "hush-hush" }
        fields.violations = { { subject = "hush-hush", type = "hush-hush" } }
        fields.helps = { { url = "https://x?hush-hush" } }
        for _, language in ipairs { "en", "zh" } do
            local err = errors.new(fields,
                context { secrets = { "hush-hush" }, language = language })
            assert.is_nil(tostring(err):find("hush", 1, true))
            local strings = 0
            walk(err, function(value)
                if type(value) ~= "string" then return end
                strings = strings + 1
                assert.is_nil(value:find("hush", 1, true), value)
            end)
            assert.is_true(strings > 30)
            for _, name in ipairs(FIELDS) do assert.equal("has *** inside", err[name]) end
        end
        assert.equal("hush-hush", fields.body.error)
    end)

    it("are masked by the names of fields too", function()
        local body = { data = { password = "A67h23sd8", user_name = "ZhangSan" } }
        local err = limited(nil, { body = body })
        assert.equal("***", err.body.data.password)
        assert.equal("ZhangSan", err.body.data.user_name)
        assert.equal("A67h23sd8", body.data.password)
    end)
end)

describe("explain", function()
    it("knows codes of the calendar, of tokens, and the others", function()
        local row = cloudcal.explain(190004)
        assert.same({ code = 190004, name = "method_rate_limited", kind = "rate_limited",
            msg = "method rate limited", http_status = 429, hint = row.hint,
            hint_zh = row.hint_zh }, row)
        assert.is_true(#row.hint > 10 and #row.hint_zh > 10)
        assert.equal("unauthenticated", cloudcal.explain(99991663).kind)
        assert.equal("quota_exhausted", cloudcal.explain(99991403).kind)
        row = cloudcal.explain(193001)
        assert.equal("event_not_found", row.name)
        assert.equal("not_found", row.kind)
        assert.equal("event not found", row.msg)
        assert.is_true(#row.hint > 10 and #row.hint_zh > 10)
    end)

    it("takes a string of digits", function()
        assert.same(cloudcal.explain(190004), cloudcal.explain "190004")
        assert.same(cloudcal.explain(193001), cloudcal.explain "193001")
    end)

    it("does not know what nobody knows", function()
        for _, code in ipairs { 0, -1, 123456789012, 1.5, "", "x", "190004x", {}, true,
                                1 / 0, -1 / 0 } do
            assert.is_nil(cloudcal.explain(code))
        end
        assert.is_nil(cloudcal.explain(nil))
        assert.is_nil(cloudcal.explain(0 / 0))
    end)

    it("gives a copy", function()
        cloudcal.explain(190004).kind = "spoilt"
        assert.equal("rate_limited", cloudcal.explain(190004).kind)
    end)
end)
