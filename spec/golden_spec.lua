-- The vendors' own examples, row by row: spec/golden holds them as their documents show them.
local clock = require "cloudcal.clock"
local cloudcal = require "cloudcal"
local endpoints = require "cloudcal.endpoints"
local json = require "cloudcal.json"
local lua = require "spec.lua"
local schema = require "cloudcal.schema"
local support = require "spec.support"
local wire = require "spec.wire"

local codes = dofile "spec/golden/seed_codes.lua"
local examples = dofile "spec/golden/vendor_examples.lua"

-- The contract's table, typed a second time: kind and name of each code.
local EXPECTED = {
    [190002] = "invalid_request invalid_parameters",
    [190003] = "service_error internal_service_error",
    [190004] = "rate_limited method_rate_limited",
    [190005] = "rate_limited app_rate_limited",
    [190006] = "app_setup wrong_unit_for_app_tenant",
    [190007] = "app_setup app_bot_id_not_found",
    [190010] = "rate_limited current_operation_rate_limited",
    [195100] = "rejected user_not_in_tenant",
    [195101] = "permission_denied not_super_administrator",
    [195102] = "invalid_request invalid_exchange_binding_id",
    [195103] = "not_found exchange_binding_not_found",
    [195104] = "rejected tenant_not_matched",
    [195105] = "rejected admin_account_binding_failed",
    [195106] = "invalid_request admin_account_not_found",
    [191000] = "not_found calendar_not_found",
    [191001] = "invalid_request invalid_calendar_id",
    [191002] = "permission_denied no_calendar_access",
    [191003] = "not_found calendar_deleted",
    [191004] = "invalid_request invalid_calendar_type",
}

local ROWS = {
    ["calendar.v4.setting.generate_caldav_conf"] = 8,
    ["calendar.v4.exchange_binding.create"] = 14,
    ["calendar.v4.calendar.primary"] = 13,
}

local KEY, SECRET = "UK155728046140bc", "f2af3c18606d4df59f865e8b80928510"

local function client_for(service)
    if service == "youkong" then
        return cloudcal.youkong { environment = "sandbox", client_key = KEY, secret = SECRET,
                                  retry = false }
    end
    return cloudcal[service] { user_access_token = "u-golden", retry = { max_attempts = 2 } }
end

local function mirror(client, operation)
    for name in operation:gmatch("[^.]+") do client = client[name] end
    return client
end

-- The sections of the mirror's request, out of an example's body.
local function sections(example)
    local body = example.request and json.decode(example.request)
    if example.operation ~= "allinone.putcalendar" then return { body = body } end
    return { Client = { UserCode = body.Client.UserCode }, Calendar = body.Calendar }
end

local function service_of(operation)
    return endpoints.by_operation[operation].services[1]
end

local function at_time(seconds, fn)
    local real = clock.time
    clock.time = function() return seconds end
    local fine, problem = pcall(fn)
    clock.time = real
    if not fine then error(problem, 0) end
end

describe("the examples", function()
    it("are seven, of four endpoints", function() assert.equal(7, #examples) end)

    for _, example in ipairs(examples) do
        local operation = example.operation
        local endpoint = endpoints.by_operation[operation]
        local what = operation .. (example.case and " case " .. example.case or "")

        it("of " .. what .. ": the request passes the check unchanged", function()
            local given = sections(example)
            local clean, problem = schema.check(endpoint, given)
            assert.is_nil(problem)
            assert.same(given.body, clean.body)
            assert.same(given.Calendar, clean.Calendar)
            assert.same(given.Client, clean.Client)
        end)

        it("of " .. what .. ": what is sent and what is read are the documents'", function()
            local given, wanted = sections(example), json.decode(example.response)
            local sent_wanted = example.request and json.decode(example.request)
            local time = sent_wanted and sent_wanted.Client and sent_wanted.Client.Timestamp or 0
            at_time(time, function()
                local client = client_for(service_of(operation))
                local seen, body, err, meta = wire.play({ { status = 200,
                    body = example.response } },
                    function() return mirror(client, operation)(given) end)
                assert.is_nil(err)
                assert.same(wanted, body)
                assert.equal(1, #seen.sent)
                assert.equal(200, meta.status)
                assert.same(sent_wanted, seen.sent[1].body and json.decode(seen.sent[1].body))
                assert.equal(endpoint.method, seen.sent[1].method)
            end)
        end)
    end

    it("of putcalendar case 4 answers another id", function()
        local example = examples[7]
        assert.equal(4, example.case)
        local _, _, _, meta = wire.play({ { status = 200, body = example.response } }, function()
            return client_for("youkong").allinone.putcalendar(sections(example))
        end)
        assert.is_true(meta.id_changed)
    end)
end)

describe("the examples against the sandbox", function()
    setup(function()
        support.clear "feishu"
        support.clear "lark"
        support.clear "youkong"
    end)

    teardown(function()
        support.clear "feishu"
        support.clear "lark"
        support.clear "youkong"
    end)

    for _, service in ipairs { "feishu", "lark" } do
        it("of " .. service .. " are taken and answered in the documented form", function()
            for i = 1, 3 do
                local operation = examples[i].operation
                local body, err = mirror(support.client(service), operation)(sections(examples[i]))
                assert.is_nil(err)
                local wanted = json.decode(examples[i].response)
                assert.equal("0 success", tostring(body.code) .. " " .. body.msg)
                local got, like = body.data, wanted.data
                if got.calendars then
                    got, like = got.calendars[1].calendar, like.calendars[1].calendar
                end
                for name, value in pairs(like) do
                    assert.equal(type(value), type(got[name]), operation .. " " .. name)
                end
            end
            local seen = support.requests(service)
            assert.equal(3, #seen)
            assert.same(json.decode(examples[1].request), json.decode(seen[1].body))
            assert.same(json.decode(examples[2].request), json.decode(seen[2].body))
            assert.equal("", seen[3].body)
            assert.same({ "0", nil }, { seen[3].headers["content-length"],
                                        seen[3].headers["content-type"] })
        end)
    end

    it("of Youkong are taken, all four", function()
        local known, id = support.sandbox().youkong, {}
        local client = support.client "youkong"
        for i = 4, 7 do
            local given = sections(examples[i])
            local calendar = given.Calendar
            if calendar.ProfileId then calendar.ProfileId = known.profile_id end
            if calendar.CalendarId then calendar.CalendarId = id[i - 1] end
            local body, err = client.allinone.putcalendar(given)
            assert.is_nil(err, tostring(err))
            assert.is_true(body.Success)
            id[i] = body.Data.CalendarId
            local seen = support.requests "youkong"
            assert.same(calendar, json.decode(seen[#seen].body).Calendar)
        end
    end)
end)

describe("the signature", function()
    for timestamp, signature in pairs {
        [1560390163] = "3b2c5181688371335ca691c8b797d09b",
        [1560389891] = "e2f64d44c169b55e1e6a7c5e6b7b6328",
    } do
        for _, fraction in ipairs { 0, 0.999 } do
            it(("of %.3f is the documents'"):format(timestamp + fraction), function()
                at_time(timestamp + fraction, function()
                    for as, wanted in pairs { number = timestamp, string = tostring(timestamp) } do
                        local client = client_for("youkong"):with { timestamp_as = as }
                        local seen = wire.play({ { status = 200,
                            body = '{"Success":true,"Data":{}}' } },
                            function() return client:put_calendar("cs001",
                                { CalendarName = "n" }) end)
                        assert.same({ ClientKey = KEY, Timestamp = wanted, Sign = signature,
                            UserCode = "cs001" }, json.decode(seen.sent[1].body).Client)
                    end
                end)
            end)
        end
    end
end)

-- How often one call is tried when it is refused like this.
local function attempts_for(kind, repeatable)
    if kind == "rate_limited" then return 2 end
    return kind == "service_error" and repeatable and 2 or 1
end

describe("the code tables", function()
    local requests = {
        ["calendar.v4.setting.generate_caldav_conf"] = {},
        ["calendar.v4.exchange_binding.create"] = { body = { user_id = "ou_x" } },
        ["calendar.v4.calendar.primary"] = {},
    }
    local repeatable = { ["calendar.v4.calendar.primary"] = true }

    local count = 0
    for operation, rows in pairs(codes) do
        for _, row in ipairs(rows) do
            local http, code, msg = row[1], row[2], row[3]
            count = count + 1
            it(("of %s: %d"):format(operation, code), function()
                local kind, name = EXPECTED[code]:match("(%S+) (%S+)")
                for _, service in ipairs { "feishu", "lark" } do
                    local answer = { status = http, headers = { ["X-Tt-Logid"] = "L" },
                                     body = json.encode { code = code, msg = msg } }
                    local seen, body, err, meta = wire.play({ answer }, function()
                        return mirror(client_for(service), operation)(requests[operation])
                    end)
                    assert.is_nil(body)
                    assert.same({ kind, name, code, msg, msg, http, "L", service, operation,
                        "call" },
                        { err.kind, err.name, err.code, err.msg, err.message, err.http_status,
                          err.log_id, err.service, err.operation, err.stage })
                    assert.is_true(#err.hint > 10 and #err.hint_zh > 10)
                    assert.equal(kind == "service_error" and "maybe" or "no", err.acted)
                    local attempts = attempts_for(kind, repeatable[operation])
                    assert.equal(attempts, #seen.sent)
                    assert.equal(attempts, meta.attempts)
                    assert.equal(attempts == 2, err.retryable)
                    assert.equal(attempts - 1, #seen.pauses)
                end
            end)
        end
    end

    it("have as many rows as the documents", function()
        assert.equal(35, count)
        for operation, rows in pairs(ROWS) do assert.equal(rows, #codes[operation]) end
    end)

    it("are what the sandbox answers", function()
        support.clear "lark"
        local client = support.client("lark"):with { retry = false }
        local names, rows = {}, codes["calendar.v4.calendar.primary"]
        for i, row in ipairs(rows) do names[i] = tostring(row[2]) end
        support.faults("lark", lua.unpack(names))
        for _, row in ipairs(rows) do
            local _, err = client:primary_calendar()
            assert.same(row, { err.http_status, err.code, err.msg })
        end
        support.clear "lark"
    end)
end)
