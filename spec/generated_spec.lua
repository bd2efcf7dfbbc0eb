-- Wrong requests made from the endpoint tables: all of them are refused before anything leaves.
local cloudcal = require "cloudcal"
local endpoints = require "cloudcal.endpoints"
local schema = require "cloudcal.schema"
local support = require "spec.support"
local bad = require "spec.wrong_requests"

local clients, sent_before = {}, {}

describe("wrong requests", function()
    setup(function()
        for _, service in ipairs { "feishu", "lark", "youkong" } do
            clients[service] = support.client(service)
            support.clear(service)
            sent_before[service] = support.state(service).connections
        end
    end)

    local function test(what, least, each, how)
        it(what, function()
            bad.counted = 0
            each(function(...) how(clients, ...) end)
            local counted = bad.counted
            assert.is_true(counted >= least, "only " .. counted .. " inputs")
        end)
    end

    test("are refused at level 1", 3900, bad.each, bad.by_mirror)
    test("are refused at level 2", 1300, bad.each, bad.by_wrapper)
    test("with odd keys are refused at level 1", 100, bad.each_odd_key,
        bad.by_mirror)

    it("are refused at level 2 where opts are wrong, by a raise at the caller's line", function()
        for wrong in pairs(bad.misspellings("user_id_type", { user_id_type = true })) do
            local client = clients.feishu
            for _, call in ipairs {
                function() client:create_exchange_binding({}, { [wrong] = "open_id" }) end,
                function() client:get_exchange_binding("x", { [wrong] = "open_id" }) end,
                function() client:primary_calendar { [wrong] = "open_id" } end,
            } do
                local fine, problem = pcall(call)
                assert.is_false(fine)
                assert.is_truthy(problem:find("^spec/generated_spec.lua:%d+: .*did you mean "
                    .. "'user_id_type'?"), problem)
            end
        end
    end)

    it("of the variants of putcalendar are refused", function()
        bad.counted = 0
        local client = clients.youkong
        local name = { CalendarName = "n" }
        local with_id = { CalendarName = "n", CalendarId = "i" }
        bad.try(function() return client:create_calendar("u", with_id) end, "Calendar.CalendarId")
        bad.try(function() return client:update_calendar("u", name) end, "Calendar.CalendarId")
        bad.try(function()
            return client:update_calendar("u", { CalendarName = "n", CalendarId = "" })
        end, "Calendar.CalendarId")
        for _, method in ipairs { "create_calendar", "put_calendar" } do
            bad.try(function() return client[method](client, "u", {}) end, "Calendar.CalendarName")
            bad.try(function() return client[method](client, "", name) end, "Client.UserCode")
        end
        assert.equal(7, bad.counted)
    end)

    it("of a tenant for what only users have are refused", function()
        local known = support.sandbox().feishu
        local client = support.client("feishu", { app_id = known.app_id,
            app_secret = known.app_secret, tenant_access_token = "t-x" })
        bad.try(function() return client:primary_calendar { user_id_type = "user_id" } end,
            "query.user_id_type")
        for _, call in ipairs {
            function() return client:generate_caldav_conf({}, { token = "t-x" }) end,
            function() return client:create_exchange_binding({}, { token = "t-x" }) end,
            function() return client:primary_calendar { token = "a-x" } end,
            function() return client:primary_calendar { token = "u-x\n" } end,
        } do bad.try(call, "token") end
        bad.try(function() return client:generate_caldav_conf({}, { identity = "tenant" }) end,
            "identity")
    end)

    it("reached nobody", function()
        for _, service in ipairs { "feishu", "lark", "youkong" } do
            assert.same({}, support.requests(service))
            -- the connection of the control door itself is the only one
            assert.is_true(support.state(service).connections - sent_before[service] <= 1)
        end
    end)
end)

describe("right requests", function()
    local function passes(endpoint, section, name, value)
        local given = bad.base(endpoint)
        given[section][name] = value
        local clean, problem = schema.check(endpoint, given)
        assert.is_nil(problem)
        return clean[section][name]
    end

    it("pass at each bound, in characters of each size", function()
        local count = 0
        bad.each_field(function(endpoint, section, field)
            if field.type ~= "string" or field.filled or field.enum then return end
            local lengths = { field.min or 1, field.max and field.max - 1, field.max or 5000 }
            for _, length in pairs(lengths) do
                for _, char in ipairs(bad.CHARACTERS) do
                    local value = char:rep(length)
                    assert.equal(value, passes(endpoint, section, field.name, value))
                    count = count + 1
                end
            end
        end)
        assert.is_true(count >= 100, count)
    end)

    it("pass with each value of each enum, and each right type", function()
        local count = 0
        bad.each_field(function(endpoint, section, field)
            if field.filled then return end
            for _, value in ipairs(field.enum or {}) do
                assert.equal(value, passes(endpoint, section, field.name, value))
                count = count + 1
            end
            assert.equal(bad.valid(field), passes(endpoint, section, field.name, bad.valid(field)))
            if field.type == "boolean" then
                assert.is_false(passes(endpoint, section, field.name, false))
            end
        end)
        assert.equal(9, count)
    end)

    it("pass with NUL and other characters that JSON can carry", function()
        bad.each_field(function(endpoint, section, field)
            if field.type ~= "string" or field.filled or section == "query" then return end
            for _, value in ipairs { "a\0b", "\1", "\127", "\r\n", '"\\', "\239\191\191" } do
                assert.equal(value, passes(endpoint, section, field.name, value))
            end
        end)
    end)

    it("pass with null and with \"\" where that means absent", function()
        bad.each_field(function(endpoint, section, field)
            if field.filled or field.required or section == "query" then return end
            assert.equal(cloudcal.null, passes(endpoint, section, field.name, cloudcal.null))
            if field.empty_is_absent then
                assert.is_nil(passes(endpoint, section, field.name, ""))
            elseif field.type == "string" and not field.min then
                assert.equal("", passes(endpoint, section, field.name, ""))
            end
        end)
    end)

    it("pass in tables with hostile metatables, which are never asked", function()
        for _, endpoint in ipairs(endpoints.all) do
            local given = bad.base(endpoint)
            for _, values in pairs(given) do bad.hostile(values) end
            local clean, problem = schema.check(endpoint, given)
            assert.is_nil(problem)
            for section, values in pairs(given) do
                for name, value in next, values do assert.equal(value, clean[section][name]) end
                assert.is_nil(getmetatable(clean[section]))
            end
        end
    end)
end)
