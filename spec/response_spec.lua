local cloudcal = require "cloudcal"
local endpoints = require "cloudcal.endpoints"
local json = require "cloudcal.json"
local response = require "cloudcal.response"
local support = require "spec.support"
local wire = require "spec.wire"

local PRIMARY = '{"code":0,"msg":"success","data":{"calendars":[{"calendar":{"calendar_id":"c",'
    .. '"summary":"有空","color":-1,"is_deleted":false,"type":"shared"},"user_id":"ou_x"}]}}'

-- One call of primary against one answer, without another attempt.
local function read(body, status, headers, changes)
    local given = { user_access_token = "u-spec-token", retry = false, rate_limit = false }
    for name, value in pairs(changes or {}) do given[name] = value end
    local client = cloudcal.lark(given)
    local answer = { status = status or 200, headers = headers, body = body }
    local _, result, err, meta = wire.play({ answer }, function()
        return client.calendar.v4.calendar.primary {}
    end)
    assert(result == nil or err == nil, "a result beside an error")
    assert(result ~= nil or err ~= nil, "neither a result nor an error")
    return result, err, meta
end

local function refused(body, status, headers)
    local result, err, meta = read(body, status, headers)
    assert.is_nil(result)
    return err, meta
end

describe("a failed exchange", function()
    it("shows no credentials of a proxy", function()
        for _, url in ipairs { "ftp://user:hunter22@127.0.0.1:1", "http://u:hunter22@[x",
                               "http://u:hun ter22@h" } do
            local text = "Unsupported proxy syntax in '" .. url .. "'"
            local fields = response.transport_error(5, text, false)
            assert.is_nil(fields.message:find("ter22", 1, true))
        end
    end)
end)

describe("the log id", function()
    local BODY = '{"code":190002,"msg":"m","error":{"log_id":"b1"}}'

    it("is the first of X-Tt-Logid, X-Request-Id, and the body's", function()
        local all = { ["X-Tt-Logid"] = "h1", ["X-Request-Id"] = "h2" }
        assert.equal("h1", refused(BODY, 400, all).log_id)
        all["X-Tt-Logid"] = nil
        assert.equal("h2", refused(BODY, 400, all).log_id)
        assert.equal("b1", refused(BODY, 400).log_id)
        assert.equal("b2", refused('{"code":1,"error":{"logid":"b2"}}', 400).log_id)
        assert.equal("b1", refused('{"code":1,"error":{"logid":"b2","log_id":"b1"}}', 400).log_id)
        assert.is_nil(refused('{"code":1}', 400).log_id)
    end)

    it("is read in any letter case, an empty header is none", function()
        assert.equal("h", refused(BODY, 400, { ["x-tt-LOGID"] = "h" }).log_id)
        assert.equal("b1", refused(BODY, 400, { ["X-Tt-Logid"] = "" }).log_id)
        assert.equal("b1", refused(BODY, 400, { ["X-Tt-Logid"] = "  " }).log_id)
    end)

    it("is text or none", function()
        for _, value in ipairs { "1", "{}", "[]", "true", "null" } do
            assert.is_nil(refused('{"code":1,"error":{"log_id":' .. value .. "}}", 400).log_id)
        end
    end)

    it("is in meta too, and of successes as well", function()
        local _, meta = refused(BODY, 400)
        assert.equal("b1", meta.log_id)
        local _, _, good = read(PRIMARY, 200, { ["X-Tt-Logid"] = "h1", ["X-Request-Id"] = "h2" })
        assert.equal("h1", good.log_id)
        assert.equal("h2", good.request_id)
    end)
end)

describe("the error object of an answer", function()
    it("is read in the documented spelling", function()
        local err = refused([[{"code":99992402,"msg":"field validation failed","error":{
            "message":"x","field_violations":[{"field":"a","value":"v","description":"d"}],
            "helps":[{"url":"https://h","description":"d"}],"logid":"L","troubleshooter":"T"}}]],
            400)
        assert.same({ { field = "a", value = "v", description = "d" } }, err.violations)
        assert.same({ { url = "https://h", description = "d" } }, err.helps)
        assert.same({ "L", "T", "invalid_request", 99992402, 400 },
            { err.log_id, err.troubleshooter, err.kind, err.code, err.http_status })
    end)

    it("is read as it really comes", function()
        local err = refused([[{"code":99991672,"msg":"Access denied.","error":{"log_id":"L",
            "troubleshooter":"T","permission_violations":[{"type":"action_scope_required",
            "subject":"calendar:calendar"}],"helps":[{"url":"https://h"}]}}]], 400)
        assert.same({ { type = "action_scope_required", subject = "calendar:calendar" } },
            err.violations)
        assert.same({ "L", "T", "app_setup", "Access denied." },
            { err.log_id, err.troubleshooter, err.kind, err.msg })
    end)

    it("may be anything", function()
        for _, value in ipairs { "null", "1", '"text"', "[]", "[null]", "true", "{}",
            '{"helps":1,"field_violations":"x","troubleshooter":[]}' } do
            local err = refused('{"code":190002,"msg":"m","error":' .. value .. "}", 400)
            assert.equal("invalid_request", err.kind)
        end
        for _, value in ipairs { "null", "1", "[]", "{}", "true", '""' } do
            local err = refused('{"code":190002,"msg":' .. value .. "}", 400)
            assert.equal("without a message", err.message)
        end
    end)

    it("may have a message that is long and bilingual: kept whole in msg", function()
        local long = ("没有权限 denied "):rep(200)
        local err = refused('{"code":99991672,"msg":"' .. long .. '"}', 400)
        assert.equal(long, err.msg)
        assert.is_true(#err.message < 420)
        assert.is_truthy(require("cloudcal.core").utf8_length(err.message))
    end)
end)

describe("the verdict", function()
    it("is success for 0 and for \"0\", whatever the status says", function()
        for _, code in ipairs { "0", '"0"' } do
            for _, status in ipairs { 200, 201, 400, 404, 429, 500, 503 } do
                local body = read((PRIMARY:gsub('"code":0', '"code":' .. code)), status)
                assert.equal("ou_x", body.data.calendars[1].user_id)
            end
        end
        assert.equal("0", tostring(read(PRIMARY).code))
    end)

    it("is the code's for every HTTP status", function()
        for code, kind in pairs {
            [190002] = "invalid_request", [190004] = "rate_limited", [99991663] = "unauthenticated",
            [99991403] = "quota_exhausted", [195101] = "permission_denied", [10003] = "app_setup",
            [191000] = "not_found", [190003] = "service_error",
        } do
            for _, status in ipairs { 200, 201, 400, 401, 403, 404, 418, 429, 500, 502, 503 } do
                for _, form in ipairs { '{"code":%d,"msg":"m"}', '{"code":"%d","msg":"m"}' } do
                    local err = refused(form:format(code), status)
                    assert.same({ kind, code, status }, { err.kind, err.code, err.http_status })
                    assert.equal(kind == "service_error" and "maybe" or "no", err.acted)
                end
            end
        end
    end)

    it("of a code that nobody knows is by the HTTP status", function()
        for status, kind in pairs {
            [200] = "rejected", [400] = "rejected", [401] = "unauthenticated", [404] = "rejected",
            [403] = "permission_denied", [418] = "rejected", [429] = "rate_limited",
            [500] = "service_error", [502] = "service_error", [599] = "service_error",
        } do
            local err = refused('{"code":777777777,"msg":"odd"}', status)
            assert.same({ kind, 777777777, "unknown_code", "odd" },
                { err.kind, err.code, err.name, err.msg })
            assert.equal(status >= 500 and "maybe" or "no", err.acted)
            assert.is_true(#err.hint > 0 and #err.hint_zh > 0)
        end
        assert.equal(-1, refused('{"code":-1}', 200).code)
    end)

    it("of a token names no other identity where the endpoint takes none", function()
        local row = require "cloudcal.codes".find
        local function hints(code, tokens)
            local _, fields = response.read({ verdict = function() return { code = code } end },
                { tokens = tokens }, { status = 400, head = "", body = "{}" }, {})
            return { fields.hint, fields.hint_zh }
        end
        local function of(advice) return { advice.hint, advice.hint_zh } end
        for code, kind in pairs { [99991668] = "user", [99991663] = "tenant" } do
            local other = kind == "user" and "tenant" or "user"
            assert.same(of(row(code).sole), hints(code, { kind }))
            assert.same(of(row(code)), hints(code, { other }))
            assert.same(of(row(code)), hints(code, { "tenant", "user" }))
            assert.is_nil((row(code).sole.hint .. row(code).sole.hint_zh):find "identity")
        end
    end)

    it("is a whole number, or its digits and nothing else", function()
        for _, code in ipairs { '"0x0"', '" 0 "', '"0.0"', '"+0"', '""', "0.5", "true" } do
            assert.equal("bad_response", refused('{"code":' .. code .. ',"data":{}}').kind)
        end
    end)

    it("without an envelope is by the HTTP status", function()
        local expected = {
            [401] = { "unauthenticated", "no" }, [403] = { "permission_denied", "no" },
            [429] = { "rate_limited", "no" }, [500] = { "service_error", "maybe" },
            [502] = { "service_error", "maybe" }, [503] = { "service_error", "maybe" },
            [418] = { "bad_response", "no" }, [404] = { "bad_response", "no" },
            [200] = { "bad_response", "maybe" }, [302] = { "bad_response", "maybe" },
        }
        for status, wanted in pairs(expected) do
            for _, body in ipairs { "<html>", "", "{}", "[]", "null", "0", '"0"', '{"msg":"m"}',
                '{"code":null}', '{"code":true}', '{"code":[]}', '{"code":1.5}', '{"code":"x"}',
                '{"code":""}', "\255" } do
                local err = refused(body, status)
                assert.same({ wanted[1], wanted[2], status }, { err.kind, err.acted,
                    err.http_status },
                    body)
                assert.is_nil(err.code)
                assert.is_true(#err.hint > 0 and #err.hint_zh > 0)
            end
        end
    end)

    it("of a 404 in text/plain is a wrong path", function()
        local err = refused("404 page not found", 404,
            { ["Content-Type"] = "text/plain; charset=utf-8" })
        assert.same({ "bad_response", "wrong_path_or_base_url", "no", "404 page not found" },
            { err.kind, err.name, err.acted, err.raw })
        err = refused('{"code":191000,"msg":"calendar not found"}', 404,
            { ["Content-Type"] = "text/plain" })
        assert.equal("not_found", err.kind)
    end)

    it("of a status that is none is bad_response, with the status and the rest", function()
        for _, status in ipairs { 100, 199, 600, 999 } do
            local err, meta = refused(PRIMARY, status,
                { ["X-Tt-Logid"] = "L", ["Retry-After"] = "5" })
            assert.same({ "bad_response", "maybe", status, "L", 5, status }, { err.kind, err.acted,
                err.http_status, err.log_id, err.retry_after, meta.status })
            assert.equal(PRIMARY, err.raw)
        end
    end)

    it("keeps the body, or its first 4 KiB", function()
        assert.same({ code = 190002, msg = "m", more = { 1 } },
            refused('{"code":190002,"msg":"m","more":[1]}', 400).body)
        local err = refused(("x"):rep(5000), 502)
        assert.equal(4096, #err.raw)
        assert.is_nil(err.body)
        assert.equal('{"password":"***"', refused('{"password":"A67h23"', 200).raw)
    end)
end)

describe("retry_after", function()
    local function named(headers) return refused('{"code":99991400}', 429, headers).retry_after end

    it("is what the service names, at most a day", function()
        for text, seconds in pairs { ["52"] = 52, ["0"] = 0, ["1.5"] = 1.5, ["007"] = 7,
            ["86400"] = 86400, ["86401"] = 86400, ["99999999999999999999"] = 86400,
            [("9"):rep(400)] = 86400 } do
            assert.equal(seconds, named { ["x-ogw-ratelimit-reset"] = text })
            assert.equal(seconds, named { ["Retry-After"] = text })
        end
        assert.equal(3, named { ["X-Ogw-Ratelimit-Reset"] = "3", ["Retry-After"] = "9" })
        assert.equal(9, named { ["X-Ogw-Ratelimit-Reset"] = "soon", ["Retry-After"] = "9" })
    end)

    it("is nil when missing or odd", function()
        assert.is_nil(named(nil))
        for _, text in ipairs { "", " ", "-1", "soon", "1e3", "0x10", "1,5", "1 2", "inf", "nan",
            "Fri, 31 Dec 1999 23:59:59 GMT", "+5", ".", "1.2.3" } do
            assert.is_nil(named { ["x-ogw-ratelimit-reset"] = text })
        end
    end)
end)

describe("the fields of an answer", function()
    it("have their types", function()
        for field, values in pairs {
            summary = { "1", "true", "{}", "[]" }, color = { '"1"', "1.5", "true", "{}" },
            is_deleted = { '"true"', "0", "{}" }, calendar_id = { "5" },
        } do
            for _, value in ipairs(values) do
                local err = refused(('{"code":0,"data":{"calendars":[{"calendar":{"%s":%s}}]}}')
                    :format(field, value))
                assert.same({ "bad_response", "wrong_response_type", "yes",
                    "data.calendars[1].calendar." .. field }, { err.kind, err.name, err.acted,
                    err.field })
                assert.is_false(err.retryable)
            end
        end
        for text, field in pairs {
            ['{"code":0}'] = "data", ['{"code":0,"data":null}'] = "data",
            ['{"code":0,"data":1}'] = "data",
            ['{"code":0,"data":"x"}'] = "data",
            ['{"code":0,"data":{"calendars":1}}'] = "data.calendars",
            ['{"code":0,"data":{"calendars":[null]}}'] = "data.calendars[1]",
            ['{"code":0,"data":{"calendars":[{},1]}}'] = "data.calendars[2]",
            ['{"code":0,"data":{"calendars":[{"calendar":[]},{"calendar":1}]}}'] =
                "data.calendars[2].calendar",
        } do
            assert.equal(field, refused(text).field)
        end
    end)

    it("are kept when unknown, and may be absent", function()
        local body = read('{"code":0,"new":1,"data":{"calendars":['
            .. '{"calendar":{"type":"moon","x":[1]}}]}}')
        assert.same({ code = 0, new = 1, data = { calendars = { { calendar = { type = "moon",
            x = { 1 } } } } } }, body)
        assert.same({}, read('{"code":0,"data":{}}').data)
        assert.same({},
            read('{"code":0,"data":{"calendars":[{"calendar":null}]}}').data.calendars[1])
    end)
end)

describe("Youkong's envelope", function()
    local function put(body, status)
        local client = cloudcal.youkong { environment = "sandbox", client_key = "UKx",
            secret = "s3cr3t", retry = false }
        local _, result, err, meta = wire.play({ { status = status or 200, body = body } },
            function()
            return client.allinone.putcalendar { Client = { UserCode = "u" },
                Calendar = { CalendarName = "n", CalendarId = "a" } }
        end)
        return result, err, meta
    end

    it("is a success when Success is true and there is no code", function()
        for _, more in ipairs { "", ',"Error":null', ',"Error":{}', ',"Error":{"code":0}',
            ',"Error":{"Code":"0","Description":""}', ',"Error":{"code":""}', ',"Error":"x"' } do
            local body, _, meta = put('{"Success":true,"Data":{"CalendarId":"b"}' .. more .. "}")
            assert.equal("b", body.Data.CalendarId)
            assert.is_true(meta.id_changed)
        end
        local _, _, meta = put '{"Success":true,"Data":{"CalendarId":"a"}}'
        assert.is_nil(meta.id_changed)
    end)

    it("is a refusal otherwise, keys in any letter case", function()
        for _, detail in ipairs { '{"code":"E1","Description":"d"}',
            '{"Code":"E1","description":"d"}',
            '{"CODE":"E1","DESCRIPTION":"d"}' } do
            for _, success in ipairs { "true", "false" } do
                local _, err = put(('{"Success":%s,"Error":%s}'):format(success, detail))
                assert.same({ "rejected", "E1", "d", "youkong_refused", "no" },
                    { err.kind, err.code, err.msg, err.name, err.acted })
            end
        end
        local _, err = put '{"Success":false,"Error":null}'
        assert.equal("rejected", err.kind)
        _, err = put('{"Success":false}', 500)
        assert.equal("maybe", err.acted)
    end)

    it("is not read out of something else", function()
        for _, body in ipairs { "{}", '{"Success":"true"}', '{"Success":1}', '{"Success":null}',
            '{"success":true}', '{"code":0}' } do
            local result, err = put(body)
            assert.is_nil(result)
            assert.equal("bad_response", err.kind)
        end
        local _, err = put '{"Success":true}'
        assert.same({ "bad_response", "yes", "Data" }, { err.kind, err.acted, err.field })
    end)
end)

describe("response.headers", function()
    it("have lower case names, repeats joined", function()
        assert.same({ ["content-type"] = "a/b", ["x-a"] = "1, 2", ["x-empty"] = "" },
            response.headers("HTTP/1.1 200 OK\r\nContent-Type:a/b \r\nX-A: 1\r\nx-a:\t2\r\n"
                .. "X-Empty:\r\n\r\n"))
        assert.same({}, response.headers "HTTP/1.1 200 OK\r\n\r\n")
    end)

    it("are read in a time that grows no faster than they do", function()
        local digits, spaces = ("1"):rep(support.MANY), (" "):rep(support.MANY)
        for _, value in ipairs { digits .. "x", digits .. "." .. digits .. ".", spaces,
                                 "a" .. spaces .. "b", "a" .. spaces } do
            local head = "HTTP/1.1 200 OK\r\nRetry-After: " .. value .. "\r\n\r\n"
            assert.is_true(support.cost(response.retry_after, head) < 1)
            assert.is_true(support.cost(response.headers, head) < 1)
        end
    end)
end)

describe("response.transport_error", function()
    it("says maybe only if something was sent that could have arrived", function()
        for number, wanted in pairs { [28] = "maybe", [52] = "maybe", [7] = "no", [60] = "no" } do
            assert.equal(wanted, response.transport_error(number, "t", true).acted)
            assert.equal("no", response.transport_error(number, "t", false).acted)
        end
    end)

    it("knows a number that is not in the table by that number", function()
        local fields = response.transport_error(12345, "odd", true)
        assert.same({ "network", "curl_12345", "odd", "maybe" },
            { fields.kind, fields.name, fields.message, fields.acted })
        assert.equal("could not connect", response.transport_error(7, "", false).message)
    end)
end)

-- Mutations ------------------------------------------------------------------------------------

local SNIPPETS = { "null", "0", '"0"', "{}", "[]", "1e999", "-0", "true", '"code":1', "\255",
    "\0", '"',
    "{", "}", "[", "]", ",", ":", "\\", "9007199254740993", '{"code":', "190004", " ",
    '"Success":' }

local function mutate(text, random)
    for _ = 1, random(3) do
        local at, length = random(#text + 1), random(0, 8)
        local kind = random(4)
        local middle = kind == 1 and "" or kind == 2 and SNIPPETS[random(#SNIPPETS)]
            or kind == 3 and string.char(random(0, 255)) or text:sub(at, at + length):rep(2)
        text = text:sub(1, at - 1) .. middle .. text:sub(at + (kind == 4 and 0 or length))
    end
    return text
end

describe("20,000 mutated answers", function()
    local REFUSAL = '{"code":190002,"msg":"m","error":{"log_id":"x","helps":[{"url":"u"}]}}'
    local HEAD = "HTTP/1.1 200 OK\r\nX-Tt-Logid: a\r\nRetry-After: 5\r\n"
    local STATUSES = { 200, 400, 429, 500, 999 }

    local function verdict(body)
        local code = tonumber(body.code)
        if not code or code % 1 ~= 0 then return nil end
        return { success = code == 0, code = code, msg = body.msg,
                 detail = type(body.error) == "table" and body.error or nil }
    end

    -- True if the answer passes as a success; raises if it may not, or has no proper error.
    local function judge(answer)
        local endpoint = endpoints.by_operation["calendar.v4.calendar.primary"]
        local body, fields = response.read({ verdict = verdict }, endpoint, answer)
        if fields then
            assert(type(fields.message) == "string", "no message")
            assert(fields.http_status == answer.status, "no status")
            return false
        end
        assert(tonumber(body.code) == 0 and type(body.data) == "table", "not a success")
        assert(tonumber(json.decode(answer.body).code) == 0, "not the answer's body")
        return true
    end

    it("never raise, and never pass as a success without a zero", function()
        local seed, passed = os.time(), 0
        math.randomseed(seed)
        for i = 1, 20000 do
            local answer = {
                status = STATUSES[math.random(#STATUSES)], head = mutate(HEAD, math.random),
                body = mutate(i % 2 == 0 and PRIMARY or REFUSAL, math.random),
            }
            local fine, success = pcall(judge, answer)
            if not fine then
                error(("seed %d, input %d: %q: %s"):format(seed, i, answer.body, tostring(success)))
            end
            passed = passed + (success and 1 or 0)
        end
        assert.is_true(passed > 300 and passed < 10000, passed)
    end)

    it("go through the whole call without a raise", function()
        local seed = os.time()
        math.randomseed(seed)
        for i = 1, 500 do
            local body = mutate(PRIMARY, math.random)
            local fine, result, err = pcall(read, body, 200)
            if not fine or (err ~= nil and type(tostring(err)) ~= "string") then
                error(("seed %d, input %d: %q: %s"):format(seed, i, body, tostring(result)))
            end
        end
    end)
end)
