-- The endpoint tables against the vendors' documents, typed here a second time.
local endpoints = require "cloudcal.endpoints"
local golden = dofile "spec/golden/seed_codes.lua"

local OPEN = "/open-apis/calendar/v4"

local DOCUMENTED = {
    ["calendar.v4.setting.generate_caldav_conf"] = {
        "POST", OPEN .. "/settings/generate_caldav_conf", "user", "feishu lark", false,
        "calendar:calendar calendar:settings.caldav:create", "",
        { ["body.device_name"] = "string max=100" },
        "data.password data.user_name data.server_address data.device_name",
    },
    ["calendar.v4.exchange_binding.create"] = {
        "POST", OPEN .. "/exchange_bindings", "user", "feishu lark", false,
        "calendar:calendar calendar:calendar:readonly calendar:exchange.bindings:create",
        "super_administrator",
        {
            ["query.user_id_type"] = "string enum=open_id,union_id,user_id",
            ["body.admin_account"] = "string min=1 max=500",
            ["body.exchange_account"] = "string min=1 max=500", ["body.user_id"] = "string",
        },
        "data.admin_account data.exchange_account data.user_id data.status "
            .. "data.exchange_binding_id",
    },
    ["calendar.v4.exchange_binding.get"] = {
        "GET", OPEN .. "/exchange_bindings/:exchange_binding_id", "user", "feishu lark", true,
        "calendar:calendar:readonly calendar:exchange.bindings:read", "super_administrator",
        {
            ["query.user_id_type"] = "string enum=open_id,union_id,user_id",
            ["path.exchange_binding_id"] = "string required min=1",
        },
        "data.admin_account data.exchange_account data.user_id data.status "
            .. "data.exchange_binding_id",
    },
    ["calendar.v4.exchange_binding.delete"] = {
        "DELETE", OPEN .. "/exchange_bindings/:exchange_binding_id", "user", "feishu lark", true,
        "calendar:calendar calendar:exchange.bindings:delete", "super_administrator",
        { ["path.exchange_binding_id"] = "string required min=1" }, "",
    },
    ["calendar.v4.calendar.primary"] = {
        "POST", OPEN .. "/calendars/primary", "tenant user", "feishu lark", true,
        "calendar:calendar:read calendar:calendar:readonly", "bot_capability",
        { ["query.user_id_type"] = "string enum=open_id,union_id,user_id" },
        "data.calendars.calendar.calendar_id data.calendars.calendar.summary "
            .. "data.calendars.calendar.description data.calendars.calendar.permissions "
            .. "data.calendars.calendar.color data.calendars.calendar.type "
            .. "data.calendars.calendar.summary_alias data.calendars.calendar.is_deleted "
            .. "data.calendars.calendar.is_third_party data.calendars.calendar.role "
            .. "data.calendars.user_id",
    },
    ["allinone.putcalendar"] = {
        "POST", "/v1/allinone/putcalendar", "", "youkong", nil, "", "",
        {
            ["Client.UserCode"] = "string required min=1 max=100",
            ["Client.ClientKey"] = "string filled",
            ["Client.Timestamp"] = "integer filled", ["Client.Sign"] = "string filled",
            ["Calendar.CalendarId"] = "string max=500",
            ["Calendar.CalendarName"] = "string required min=1 max=200",
            ["Calendar.ProfileId"] = "string max=50", ["Calendar.ProviderName"] = "string",
            ["Calendar.CalendarReadonly"] = "boolean", ["Calendar.CalendarPrimary"] = "boolean",
            ["Calendar.IsPublic"] = "boolean", ["Calendar.Tags"] = "string max=100",
            ["Calendar.CalendarIcon"] = "string max=150",
            ["Calendar.CalendarColor"] = "string max=20",
        },
        "Data.CalendarId",
    },
    ["auth.v3.tenant_access_token.internal"] = {
        "POST", "/open-apis/auth/v3/tenant_access_token/internal", "", "feishu lark", true, "", "",
        { ["body.app_id"] = "string required min=1",
        ["body.app_secret"] = "string required min=1" },
        "tenant_access_token expire",
    },
    ["auth.v3.app_access_token.create"] = {
        "POST", "/open-apis/auth/v3/app_access_token", "", "feishu lark", true, "", "",
        { ["body.app_id"] = "string required min=1",
        ["body.app_secret"] = "string required min=1",
        ["body.app_ticket"] = "string required min=1" },
        "app_access_token expire",
    },
    ["auth.v3.tenant_access_token.create"] = {
        "POST", "/open-apis/auth/v3/tenant_access_token", "", "feishu lark", true, "", "",
        { ["body.app_access_token"] = "string required min=1",
        ["body.tenant_key"] = "string required min=1" },
        "tenant_access_token expire",
    },
    ["auth.v3.app_ticket.resend"] = {
        "POST", "/open-apis/auth/v3/app_ticket/resend", "", "feishu lark", true, "", "",
        { ["body.app_id"] = "string required min=1",
        ["body.app_secret"] = "string required min=1" },
        "",
    },
    ["authen.v1.authorize"] = {
        "GET", "/open-apis/authen/v1/authorize", "", "feishu lark", nil, "", "",
        {
            ["query.client_id"] = "string required min=1",
            ["query.response_type"] = "string required enum=code",
            ["query.redirect_uri"] = "string required min=1", ["query.scope"] = "string",
            ["query.state"] = "string", ["query.code_challenge"] = "string min=43 max=128",
            ["query.code_challenge_method"] = "string enum=S256,plain",
            ["query.prompt"] = "string",
        },
        "",
    },
    ["authen.v2.oauth.token"] = {
        "POST", "/open-apis/authen/v2/oauth/token", "", "feishu lark", false, "", "",
        {
            ["body.grant_type"] = "string required enum=authorization_code,refresh_token,"
                .. "urn:ietf:params:oauth:grant-type:device_code",
            ["body.client_id"] = "string required min=1",
            ["body.client_secret"] = "string required min=1",
            ["body.code"] = "string min=1", ["body.redirect_uri"] = "string min=1",
            ["body.code_verifier"] = "string min=43 max=128",
            ["body.refresh_token"] = "string min=1", ["body.device_code"] = "string min=1",
            ["body.scope"] = "string",
        },
        "access_token expires_in refresh_token refresh_token_expires_in token_type scope",
    },
    ["oauth.v1.device_authorization"] = {
        "POST", "/oauth/v1/device_authorization", "", "feishu lark", true, "", "",
        { ["body.client_id"] = "string required min=1", ["body.scope"] = "string" },
        "device_code user_code verification_uri verification_uri_complete expires_in interval",
    },
}

local function describe_field(field)
    local words = { field.type }
    if field.required then words[#words + 1] = "required" end
    if field.filled then words[#words + 1] = "filled" end
    if field.min then words[#words + 1] = "min=" .. field.min end
    if field.max then words[#words + 1] = "max=" .. field.max end
    if field.enum then words[#words + 1] = "enum=" .. table.concat(field.enum, ",") end
    return table.concat(words, " ")
end

local function request_fields(endpoint)
    local found = {}
    for section, fields in pairs(endpoint.request) do
        for _, field in ipairs(fields) do
            found[section .. "." .. field.name] = describe_field(field)
        end
    end
    return found
end

local function response_fields(fields, prefix, found)
    for _, field in ipairs(fields) do
        if field.fields then
            response_fields(field.fields, prefix .. field.name .. ".", found)
        else
            found[#found + 1] = prefix .. field.name
        end
    end
    return found
end

local function words(list) return table.concat(list or {}, " ") end

describe("the endpoint tables", function()
    it("are all typed here, and have an operation each", function()
        local count = 0
        for operation, endpoint in pairs(endpoints.by_operation) do
            assert.is_table(DOCUMENTED[operation], ('add ["%s"] to DOCUMENTED in this file, typed '
                .. "from the vendor's document: { method, path, tokens, services, repeatable, "
                .. "scopes, preconditions, { request fields }, answer fields }"):format(operation))
            assert.equal(operation, endpoint.operation)
            count = count + 1
        end
        assert.equal(#endpoints.all, count)
        for operation in pairs(DOCUMENTED) do
            assert.is_table(endpoints.by_operation[operation], operation)
        end
    end)

    for operation, row in pairs(DOCUMENTED) do
        it("say of " .. operation .. " what the documents say", function()
            local endpoint = endpoints.by_operation[operation]
            assert.same({ row[1], row[2], row[3], row[4] }, { endpoint.method, endpoint.path,
                words(endpoint.tokens), words(endpoint.services) })
            if row[5] ~= nil then assert.equal(row[5], endpoint.repeatable) end
            assert.same({ row[6], row[7] }, { words(endpoint.scopes),
                words(endpoint.preconditions) })
            assert.same(row[8], request_fields(endpoint))
            assert.equal(row[9], words(response_fields(endpoint.response, "", {})))
        end)
    end

    it("have the rate limit of their level, custom and store apps", function()
        for _, endpoint in ipairs(endpoints.all) do
            if endpoint.operation:find("^calendar") then
                assert.same({ per_second = 50, per_minute = 1000 }, endpoint.rate_limit)
                assert.equal("custom store", words(endpoint.app_types))
            end
        end
    end)

    it("have the exact Content-Type where there is a body, else none", function()
        for _, endpoint in ipairs(endpoints.all) do
            if endpoint.services[1] ~= "youkong" then
                local wanted = endpoint.operation:find("oauth", 1, true)
                    and "application/x-www-form-urlencoded" or "application/json; charset=utf-8"
                assert.equal(endpoint.request.body and wanted or nil, endpoint.content_type)
            end
        end
    end)

    it("list the codes of the documents", function()
        for operation, rows in pairs(golden) do
            local wanted, listed = {}, {}
            for i, row in ipairs(rows) do wanted[i] = row[2] end
            for i, code in ipairs(endpoints.by_operation[operation].codes) do listed[i] = code end
            table.sort(wanted)
            table.sort(listed)
            assert.same(wanted, listed)
        end
        for _, operation in ipairs { "get", "delete" } do
            assert.same(endpoints.by_operation["calendar.v4.exchange_binding.create"].codes,
                endpoints.by_operation["calendar.v4.exchange_binding." .. operation].codes)
        end
    end)

    it("name the field scopes, the secret fields and where the documents are", function()
        local by = endpoints.by_operation
        assert.equal("contact:user.email:readonly contact:user.employee_id:readonly",
            words(by["calendar.v4.exchange_binding.create"].field_scopes))
        assert.equal("contact:user.employee_id:readonly",
            words(by["calendar.v4.calendar.primary"].field_scopes))
        assert.is_true(by["calendar.v4.setting.generate_caldav_conf"].response[1].fields[1].secret)
        for _, endpoint in ipairs(endpoints.all) do
            assert.is_truthy(endpoint.doc:find("^https://[%w.]+/%S+$"))
            assert.is_true(#endpoint.summary.en > 10 and #endpoint.summary.zh > 10)
        end
    end)

    it("are pure data, and each field is well formed", function()
        local TYPES = { string = 1, integer = 1, boolean = 1, object = 1, array = 1 }
        local function check(fields)
            local seen = {}
            for _, field in ipairs(fields) do
                assert.is_nil(seen[field.name])
                seen[field.name] = true
                assert.is_truthy(TYPES[field.type])
                assert.is_true((field.min or 0) <= (field.max or 1e9))
                if field.type == "object" or field.type == "array" then check(field.fields) end
                if field.about then assert.is_true(#field.about.en > 5 and #field.about.zh > 5) end
            end
        end
        local function pure(value)
            assert.is_truthy(({ string = 1, number = 1, boolean = 1, table = 1 })[type(value)])
            if type(value) ~= "table" then return end
            assert.is_nil(getmetatable(value))
            for key, member in pairs(value) do
                pure(key)
                pure(member)
            end
        end
        for _, endpoint in ipairs(endpoints.all) do
            pure(endpoint)
            check(endpoint.response)
            for _, fields in pairs(endpoint.request) do check(fields) end
        end
    end)
end)
