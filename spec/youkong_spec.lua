-- Youkong: accounts, the four combinations, the signature, the clock, raw calls.

local clock = require "cloudcal.clock"
local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local json = require "cloudcal.json"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

local raises = pipeline.raises

local known = support.sandbox().youkong

local function client_of(changes)
    local given = { client_key = known.client_key, secret = known.secret }
    for key, value in pairs(changes or {}) do given[key] = value end
    return support.client("youkong", given)
end

local function run(call, faults)
    return pipeline.run("youkong", faults or {}, call)
end

local function sent(seen, number)
    return json.decode(seen.requests[number or 1].body)
end

-- Each clock belongs to a host: another prefix that the sandbox takes for the same host would
-- not reach the endpoint, so the learnt offset is put back by a call with the true time.
local function with_clock_off(seconds, body)
    pipeline.moved("time", seconds, body)
    client_of():create_calendar("clock", { CalendarName = "set the offset right" })
end

local PUBLISHED = { client_key = "UK155728046140bc", secret = "f2af3c18606d4df59f865e8b80928510" }

describe("the account", function()
    it("needs an environment", function()
        raises(function() cloudcal.youkong {} end, "'environment'")
        raises(function() cloudcal.youkong { client_key = "k", secret = "s" } end, "'environment'")
    end)

    it("may be left out in the sandbox only", function()
        assert.truthy(cloudcal.youkong { environment = "sandbox" })
        raises(function() cloudcal.youkong { environment = "production" } end, "'client_key'")
        raises(function() cloudcal.youkong { base_url = "https://x.example.com" } end,
            "'client_key'")
    end)

    it("is whole or absent", function()
        local new = cloudcal.youkong
        raises(function() new { environment = "sandbox", client_key = "k" } end, "'secret'")
        raises(function() new { environment = "sandbox", secret = "s" } end, "'client_key'")
        raises(function() new { environment = "sandbox", signer = print } end, "'client_key'")
        raises(function() new { environment = "sandbox", client_key = "k", secret = "s",
            signer = print } end, "'signer'", "'secret'")
        assert.truthy(new { environment = "production", client_key = "k", signer = print })
    end)

    it("that the vendor published warns once, by the logger", function()
        for _, account in ipairs { {}, PUBLISHED } do
            local lines = {}
            local client = cloudcal.youkong { environment = "sandbox",
                client_key = account.client_key, secret = account.secret,
                logger = function(level, message) lines[#lines + 1] = level .. " " .. message end }
            assert.equal(1, #lines)
            assert.matches("^warn .*anybody can read", lines[1])
            client:with { timeout = 5 }
            assert.equal(1, #lines)
        end
        local lines = 0
        cloudcal.youkong { environment = "sandbox", client_key = "k", secret = "s",
            logger = function() lines = lines + 1 end }
        assert.equal(0, lines)
    end)

    it("that the vendor published is refused by production", function()
        local function published(changes)
            local given = { client_key = PUBLISHED.client_key, secret = PUBLISHED.secret }
            for key, value in pairs(changes) do given[key] = value end
            return given
        end
        local production = published { environment = "production" }
        raises(function() cloudcal.youkong(production) end, "'client_key'", "production")
        for _, url in ipairs { "https://open.atimer.cn", "https://OPEN.atimer.cn:443/x" } do
            local given = published { base_url = url, environment = "sandbox" }
            raises(function() cloudcal.youkong(given) end, "'client_key'", "production")
            local without = { base_url = url, environment = "sandbox" }
            raises(function() cloudcal.youkong(without) end, "'client_key'", "production")
        end
        local client = cloudcal.youkong { environment = "sandbox" }
        raises(function() client:with { environment = "production" } end, "'client_key'")
        raises(function() client:with { base_url = "https://open.atimer.cn" } end, "'client_key'")
        assert.truthy(client:with { base_url = "https://open.example.com" })
    end)

    it("goes to the host of its environment, or to base_url", function()
        local account = { environment = "production", client_key = "k", secret = "s" }
        assert.equal("cloudcal.youkong (https://open.atimer.cn)",
            tostring(cloudcal.youkong(account)))
        account.base_url = "https://x.example.com"
        assert.equal("cloudcal.youkong (https://x.example.com)",
            tostring(cloudcal.youkong(account)))
    end)
end)

describe("putcalendar", function()
    local client = client_of()
    local profile = known.profile_id

    it("creates by the name alone", function()
        local seen = run(function()
            return client:put_calendar("cs001", { CalendarName = "本地日历" })
        end)
        assert.matches("^%x+$", seen.result.CalendarId)
        assert.is_nil(seen.meta.id_changed)
        local body = sent(seen)
        assert.same({ CalendarName = "本地日历" }, body.Calendar)
        assert.equal("cs001", body.Client.UserCode)
        assert.equal(known.client_key, body.Client.ClientKey)
        assert.equal("/v1/allinone/putcalendar", seen.requests[1].path)
        assert.equal("POST", seen.requests[1].method)
    end)

    it("renames by id and name", function()
        local id = assert(client:put_calendar("cs001", { CalendarName = "a" })).CalendarId
        local data, _, meta = client:put_calendar("cs001", { CalendarName = "b", CalendarId = id })
        assert.equal(id, data.CalendarId)
        assert.is_nil(meta.id_changed)
    end)

    it("creates and renames in a third-party channel, whose ids change", function()
        local id = assert(client:put_calendar("cs001", { CalendarName = "a",
            ProfileId = profile })).CalendarId
        local data, _, meta = client:put_calendar("cs001", { CalendarName = "b",
            CalendarId = id, ProfileId = profile })
        assert.not_equal(id, data.CalendarId)
        assert.is_true(meta.id_changed)
    end)

    it("passes every field on, ProviderName too", function()
        local calendar = { CalendarName = "n", ProfileId = profile, ProviderName = "outlook",
            CalendarReadonly = true, CalendarPrimary = false, IsPublic = true, Tags = "a,b",
            CalendarIcon = "icon-shared", CalendarColor = "#111" }
        local seen = run(function() return client:put_calendar("cs001", calendar) end)
        assert.is_table(seen.result)
        assert.same(calendar, sent(seen).Calendar)
        seen = run(function()
            return client:put_calendar("cs001", { CalendarName = "n", ProviderName = "o" })
        end)
        assert.equal("o", sent(seen).Calendar.ProviderName)
    end)

    it("takes an empty id for an absent one", function()
        local calendar = { CalendarName = "n", CalendarId = "", ProfileId = "" }
        for _, name in ipairs { "put_calendar", "create_calendar" } do
            local seen = run(function() return client[name](client, "cs001", calendar) end)
            assert.is_table(seen.result)
            assert.same({ CalendarName = "n" }, sent(seen).Calendar)
            assert.is_nil(seen.meta.id_changed)
        end
        local seen = run(function() return client:update_calendar("cs001", calendar) end)
        assert.equal("Calendar.CalendarId", seen.err.field)
        assert.same({ CalendarName = "n", CalendarId = "", ProfileId = "" }, calendar)
    end)

    it("has a mirror", function()
        local body, _, meta = client.allinone.putcalendar { Client = { UserCode = "cs001" },
            Calendar = { CalendarName = "n" } }
        assert.is_true(body.Success)
        assert.is_nil(body.Error)
        assert.is_string(body.Data.CalendarId)
        assert.equal(1, meta.attempts)
    end)

    it("create refuses an id, update needs one", function()
        local seen = run(function()
            return client:create_calendar("cs001", { CalendarName = "n", CalendarId = "x" })
        end)
        assert.equal("invalid_request", seen.err.kind)
        assert.equal("Calendar.CalendarId", seen.err.field)
        assert.equal(0, #seen.requests)
        seen = run(function() return client:update_calendar("cs001", { CalendarName = "n" }) end)
        assert.equal("Calendar.CalendarId", seen.err.field)
        assert.equal("check", seen.err.stage)
        assert.equal(0, #seen.requests)
        local id = assert(client:create_calendar("cs001", { CalendarName = "n" })).CalendarId
        assert.equal(id, (client:update_calendar("cs001", { CalendarName = "m",
            CalendarId = id })).CalendarId)
    end)

    it("refuses what can be known to be wrong", function()
        local cases = {
            { "cs001", {}, "Calendar.CalendarName" },
            { "cs001", { CalendarName = "" }, "Calendar.CalendarName" },
            { "cs001", { CalendarName = ("是"):rep(201) }, "Calendar.CalendarName" },
            { "cs001", { CalendarName = "n", IsPublic = "true" }, "Calendar.IsPublic" },
            { "cs001", { CalendarName = "n", CalenderIcon = "x" }, "Calendar.CalenderIcon" },
            { "cs001", { CalendarName = "n", Tags = ("x"):rep(101) }, "Calendar.Tags" },
            { "", { CalendarName = "n" }, "Client.UserCode" },
            { ("x"):rep(101), { CalendarName = "n" }, "Client.UserCode" },
            { "\255", { CalendarName = "n" }, "Client.UserCode" },
        }
        for _, case in ipairs(cases) do
            local seen = run(function() return client:put_calendar(case[1], case[2]) end)
            assert.equal("invalid_request", seen.err.kind)
            assert.equal(case[3], seen.err.field)
            assert.equal("check", seen.err.stage)
            assert.equal(0, #seen.requests)
        end
        for _, name in ipairs { "ClientKey", "Timestamp", "Sign" } do
            local _, err = client.allinone.putcalendar {
                Client = { UserCode = "u", [name] = "x" }, Calendar = { CalendarName = "n" } }
            assert.equal("Client." .. name, err.field)
        end
    end)

    it("raises for arguments of a wrong type", function()
        for _, name in ipairs { "put_calendar", "create_calendar", "update_calendar" } do
            local call = client[name]
            raises(function() call(client) end, "user_code")
            raises(function() call(client, 5, {}) end, "user_code")
            raises(function() call(client, "u") end, "the calendar")
            raises(function() call(client, "u", "n") end, "the calendar")
            raises(function() call(client, "u", {}, 5) end, "opts")
            raises(function() call(client, "u", {}, { tiemout = 1 }) end, "'tiemout'", "timeout")
        end
        raises(function() client:put_calendar("u", {}, { token = "u-x" }) end, "'token'")
        raises(function() client.allinone.putcalendar { identity = "user" } end, "'identity'")
        raises(function() client.allinone.putcalendar "x" end, "must be a table")
        raises(function() client.allinone.putcalendar { Calender = {} } end, "'Calender'")
    end)

    it("shows the service's own refusal", function()
        local data, err = client:update_calendar("cs001", { CalendarName = "n",
            CalendarId = "nowhere" })
        assert.is_nil(data)
        assert.equal("rejected", err.kind)
        assert.equal("SANDBOX_CALENDAR", err.code)
        assert.equal("CalendarId is unknown for this user", err.msg)
        assert.equal("no", err.acted)
        assert.equal("youkong", err.service)
        assert.equal("allinone.putcalendar", err.operation)
        assert.is_false(err.body.Success)
    end)
end)

describe("the signature", function()
    it("is the vendor's", function()
        for timestamp, sign in pairs {
            [1560390163] = "3b2c5181688371335ca691c8b797d09b",
            [1560389891] = "e2f64d44c169b55e1e6a7c5e6b7b6328",
        } do
            local answer = pipeline.answer '{"Success":true,"Error":null,"Data":{}}'
            pipeline.with_clock("time", function()
                return function() return timestamp + 0.9 end
            end, function()
                pipeline.with_scripted("youkong", { answer }, { environment = "sandbox" },
                    function(client, server)
                        assert(client:put_calendar("cs001", { CalendarName = "n" }))
                        local request = server.requests()[1]
                        local head = json.decode(request.body).Client
                        assert.equal(sign, head.Sign)
                        assert.equal(PUBLISHED.client_key, head.ClientKey)
                        assert.truthy(request.body:find('"Timestamp":' .. timestamp, 1, true))
                    end)
            end)
        end
    end)

    it("may carry its timestamp as a string", function()
        local seen = run(function()
            return client_of { timestamp_as = "string" }:put_calendar("u", { CalendarName = "n" })
        end)
        assert.is_table(seen.result)
        assert.matches("^%d+$", sent(seen).Client.Timestamp)
        assert.equal("string", type(sent(seen).Client.Timestamp))
        seen = run(function()
            return client_of { timestamp_as = "number" }:put_calendar("u", { CalendarName = "n" })
        end)
        assert.equal("number", type(sent(seen).Client.Timestamp))
    end)

    it("goes under a JSON label, or a form label that changes only the label", function()
        local labels = { json = "application/json; charset=utf-8",
                         form = "application/x-www-form-urlencoded; charset=utf-8" }
        for kind, label in pairs(labels) do
            local seen = run(function()
                return client_of { content_type = kind }:put_calendar("u", { CalendarName = "n" })
            end)
            assert.is_table(seen.result)
            assert.equal(label, seen.requests[1].headers["content-type"])
            assert.equal("n", sent(seen).Calendar.CalendarName)
        end
    end)

    it("may be made elsewhere", function()
        local stamps = {}
        local client = support.client("youkong", { client_key = known.client_key,
            signer = function(timestamp)
                stamps[#stamps + 1] = timestamp
                return core.md5(("key=%s&secret=%s&timestamp=%d"):format(
                    known.client_key, known.secret, timestamp))
            end })
        local seen = run(function() return client:put_calendar("u", { CalendarName = "n" }) end)
        assert.is_table(seen.result)
        assert.equal("number", type(stamps[1]))
        assert.equal(stamps[1], sent(seen).Client.Timestamp)
    end)

    it("that the signer cannot make anew after a wait is not sent either", function()
        local asked = 0
        local slow = support.client("youkong", { client_key = known.client_key, retry = false,
            rate_limit = { per_second = 1 }, signer = function(timestamp)
                asked = asked + 1
                if asked > 2 then return nil, "offline" end
                return core.md5(("key=%s&secret=%s&timestamp=%.0f"):format(
                    known.client_key, known.secret, timestamp))
            end })
        assert(slow:create_calendar("u", { CalendarName = "n" }))
        local _, err, meta = slow:create_calendar("u", { CalendarName = "n" })
        assert.same({ "signer_failed", "check", "no", 0 },
            { err.name, err.stage, err.acted, meta.attempts })
    end)

    it("that is not given by the signer is not sent", function()
        for _, value in ipairs { false, 5, "", "a b", "x\n" } do
            local client = support.client("youkong", { client_key = known.client_key,
                signer = function() return value or nil, "no connection" end })
            local seen = run(function() return client:put_calendar("u", { CalendarName = "n" }) end)
            assert.equal("invalid_request", seen.err.kind)
            assert.equal("signer_failed", seen.err.name)
            assert.equal("Client.Sign", seen.err.field)
            assert.equal("check", seen.err.stage)
            assert.truthy(seen.err.message:find("no connection", 1, true))
            assert.equal(0, #seen.requests)
        end
    end)

    it("with a wrong secret is rejected in the service's words", function()
        local seen = run(function()
            return client_of { secret = "wrong" }:put_calendar("u", { CalendarName = "n" })
        end)
        assert.equal("rejected", seen.err.kind)
        assert.equal("SANDBOX_SIGN", seen.err.code)
        assert.matches("^Sign does not fit", seen.err.msg)
        assert.equal(1, #seen.requests)
        assert.is_nil(seen.meta.clock_skew)
    end)
end)

describe("an answer of Youkong", function()
    local function outcome(body, status)
        local result, err
        pipeline.with_scripted("youkong", { pipeline.answer(body, nil, status) },
            { environment = "sandbox" }, function(client)
                result, err = client:create_calendar("u", { CalendarName = "n" })
            end)
        return result, err
    end

    it("may write the keys of Error in any letter case", function()
        for _, keys in ipairs { { "code", "Description" }, { "Code", "description" },
                                { "CODE", "DESCRIPTION" } } do
            local _, err = outcome(('{"Success":false,"Error":{"%s":"E7","%s":"why not"}}')
                :format(keys[1], keys[2]))
            assert.equal("rejected", err.kind)
            assert.equal("E7", err.code)
            assert.equal("why not", err.msg)
        end
    end)

    it("keeps a code as it was sent", function()
        local _, err = outcome '{"Success":false,"Error":{"code":17,"Description":"x"}}'
        assert.equal("17", tostring(err.code))
        _, err = outcome '{"Success":false,"Error":{"code":"0017","Description":"x"}}'
        assert.equal("0017", err.code)
        _, err = outcome '{"Success":false,"Error":{"code":190004,"Description":"x"}}'
        assert.equal("rejected", err.kind) -- not a code of Feishu
    end)

    it("that refuses is read by its HTTP status where that says more", function()
        local refusal = '{"Success":false,"Error":{"code":"E7","Description":"x"}}'
        for status, wanted in pairs {
            [200] = { "rejected", "no" }, [429] = { "rate_limited", "no" },
            [403] = { "permission_denied", "no" }, [503] = { "service_error", "maybe" },
        } do
            local _, err = outcome(refusal, status)
            assert.same(wanted, { err.kind, err.acted })
            assert.same({ "E7", "youkong_refused" }, { err.code, err.name })
        end
    end)

    it("is a success with Success and without an error code", function()
        for _, written in ipairs { "null", "{}", '{"code":0}', '{"code":"","Description":""}' } do
            local data = outcome('{"Success":true,"Error":' .. written
                .. ',"Data":{"CalendarId":"x","New":1}}')
            assert.same({ CalendarId = "x", New = 1 }, data)
        end
    end)

    it("is none without Success, and unusable without Data", function()
        local _, err = outcome '{"Data":{"CalendarId":"x"}}'
        assert.equal("bad_response", err.kind)
        assert.equal("maybe", err.acted)
        _, err = outcome '{"Success":"true","Data":{}}'
        assert.equal("bad_response", err.kind)
        for _, body in ipairs { '{"Success":true}', '{"Success":true,"Data":null}',
                                '{"Success":true,"Data":"x"}' } do
            _, err = outcome(body)
            assert.equal("bad_response", err.kind)
            assert.equal("yes", err.acted)
            assert.is_false(err.retryable)
            assert.equal("Data", err.field)
        end
    end)
end)

describe("a clock", function()
    for _, seconds in ipairs { -86400, -240, 240, 86400 } do
        it(("that is %d s off is found out, once"):format(seconds), function()
            with_clock_off(seconds, function()
                local client = client_of()
                local seen = run(function()
                    return client:create_calendar("u", { CalendarName = "n" })
                end)
                assert.is_table(seen.result)
                assert.equal(2, #seen.requests)
                assert.equal(2, seen.meta.attempts)
                assert.is_true(math.abs(seen.meta.clock_skew + seconds) < 2)
                for _ = 1, 2 do
                    seen = run(function()
                        return client_of():create_calendar("u", { CalendarName = "n" })
                    end)
                    assert.is_table(seen.result)
                    assert.equal(1, #seen.requests)
                    assert.is_nil(seen.meta.clock_skew)
                end
            end)
        end)
    end

    it("that is off a little is no matter", function()
        for _, seconds in ipairs { -170, 170 } do
            pipeline.moved("time", seconds, function()
                local seen = run(function()
                    return client_of():create_calendar("u", { CalendarName = "n" })
                end)
                assert.is_table(seen.result)
                assert.equal(1, #seen.requests)
                assert.is_nil(seen.meta.clock_skew)
            end)
        end
    end)

    it("is not the reason when the signature is wrong too", function()
        pipeline.moved("time", 86400, function()
            local seen = run(function()
                return client_of { secret = "wrong" }:create_calendar("u", { CalendarName = "n" })
            end)
            assert.equal("SANDBOX_SIGN", seen.err.code)
            assert.equal(2, #seen.requests)
        end)
        client_of():create_calendar("clock", { CalendarName = "set the offset right" })
    end)

    it("that jumps about is corrected once in a call", function()
        local calls = 0
        pipeline.with_clock("time", function(truth)
            return function()
                calls = calls + 1
                return truth() + calls * 86400
            end
        end, function()
            local seen = run(function()
                return client_of():create_calendar("u", { CalendarName = "n" })
            end)
            assert.equal("rejected", seen.err.kind)
            assert.equal(2, #seen.requests)
        end)
        client_of():create_calendar("clock", { CalendarName = "set the offset right" })
        assert.is_true(clock.time() > 0)
    end)

    it("is not corrected with retry = false", function()
        with_clock_off(86400, function()
            local seen = run(function()
                return client_of { retry = false }:create_calendar("u", { CalendarName = "n" })
            end)
            assert.equal("rejected", seen.err.kind)
            assert.equal("SANDBOX_TIMESTAMP", seen.err.code)
            assert.equal(1, #seen.requests)
        end)
    end)
end)

describe("what is sent again", function()
    local client = client_of { retry = { max_delay = 0.01 } }
    local MAYBES = { "reset", "truncated", "cut_headers", "html_502", "reset_body" }

    local function calendar_id(profile)
        return assert(client:create_calendar("again", { CalendarName = "n",
            ProfileId = profile })).CalendarId
    end

    it("is never a create", function()
        for _, fault in ipairs(MAYBES) do
            for _, profile in ipairs { "", known.profile_id } do
                local before = support.state("youkong").calendars
                local seen = run(function()
                    return client:put_calendar("again", { CalendarName = "n", ProfileId = profile })
                end, { fault })
                assert.equal("maybe", seen.err.acted)
                assert.is_false(seen.err.retryable)
                assert.equal(1, #seen.requests)
                assert.is_true(support.state("youkong").calendars <= before + 1)
            end
        end
    end)

    it("is an update of a local calendar", function()
        local id = calendar_id()
        for _, fault in ipairs(MAYBES) do
            for _, name in ipairs { "update_calendar", "put_calendar" } do
                local seen = run(function()
                    return client[name](client, "again", { CalendarName = "m", CalendarId = id })
                end, { fault })
                assert.equal(id, seen.result.CalendarId)
                assert.equal(2, #seen.requests)
            end
        end
    end)

    it("is no update in a third-party channel", function()
        for _, fault in ipairs(MAYBES) do
            local id = calendar_id(known.profile_id)
            local seen = run(function()
                return client:update_calendar("again", { CalendarName = "m", CalendarId = id,
                    ProfileId = known.profile_id })
            end, { fault })
            assert.equal("maybe", seen.err.acted)
            assert.equal(1, #seen.requests)
        end
    end)

    it("is signed anew", function()
        local id = calendar_id()
        local offset = -1
        pipeline.with_clock("time", function(truth)
            return function()
                offset = offset + 1
                return truth() + offset
            end
        end, function()
            local seen = run(function()
                return client:update_calendar("again", { CalendarName = "m", CalendarId = id })
            end, { "html_502" })
            assert.is_table(seen.result)
            assert.not_equal(sent(seen, 1).Client.Timestamp, sent(seen, 2).Client.Timestamp)
        end)
    end)

    it("is no raw call, unless it is said to be repeatable", function()
        local function raw(repeatable)
            return run(function()
                return client:request { path = "/v1/allinone/putevent", user_code = "u",
                    body = { Event = {} }, repeatable = repeatable }
            end, { "html_502" })
        end
        assert.equal(1, #raw().requests)
        assert.equal(1, #raw(false).requests)
        assert.equal(2, #raw(true).requests)
    end)
end)

describe("a raw call to Youkong", function()
    local client = client_of()

    it("gets the signed Client", function()
        local given = { Event = { Name = "n" } }
        local seen = run(function()
            return client:request { path = "/v1/allinone/putevent", user_code = "cs001",
                body = given }
        end)
        assert.is_true(seen.result.Success)
        assert.equal("POST", seen.requests[1].method)
        local body = sent(seen)
        assert.equal("cs001", body.Client.UserCode)
        assert.equal(known.client_key, body.Client.ClientKey)
        assert.same({ Name = "n" }, body.Event)
        assert.same({ Event = { Name = "n" } }, given)
        assert.equal("POST /v1/allinone/putevent", select(2, client:request {
            path = "/v1/allinone/putevent", body = { Client = {} } }).operation)
    end)

    it("may have no body of its own", function()
        local seen = run(function()
            return client:request { path = "/v1/allinone/unbind", user_code = "cs001" }
        end)
        assert.is_true(seen.result.Success)
        assert.equal("cs001", sent(seen).Client.UserCode)
    end)

    it("refuses what cannot be signed", function()
        local cases = {
            { { path = "/x", body = '{"a":1}' }, "body" },
            { { path = "/x", body = { Client = {} } }, "Client" },
            { { path = "/x", method = "GET" }, "method" },
            { { path = "/x", body = { n = 0 / 0 } }, "n" },
            { { path = "x" }, "path" },
        }
        for _, case in ipairs(cases) do
            local seen = run(function() return client:request(case[1]) end)
            assert.equal("invalid_request", seen.err.kind)
            assert.equal(case[2], seen.err.field)
            assert.equal("check", seen.err.stage)
            assert.equal(0, #seen.requests)
        end
        raises(function() client:request { path = "/x", user_code = 5 } end, "user_code")
    end)
end)
