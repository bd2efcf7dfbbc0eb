-- Wrong requests made from the endpoint tables: all of them are refused before anything leaves.
local cloudcal = require "cloudcal"
local endpoints = require "cloudcal.endpoints"
local schema = require "cloudcal.schema"
local support = require "spec.support"

local CHARACTERS = { "a", "有", "😀" }

local VALUES = { -- one of each Lua type
    string = "x", number = 1, boolean = true, table = {}, ["function"] = print,
    thread = coroutine.create(function() end), userdata = io.stdout,
}

local LUA_TYPE = { string = "string", integer = "number", boolean = "boolean" }

local BAD_UTF8 = { "\128", "\191", "\192\128", "\193\191", "\194", "\224\128\128", "\224\159\191",
    "\237\160\128", "\237\191\191", "\226\130", "\240\128\128\128", "\240\143\191\191",
    "\244\144\128\128", "\245\128\128\128", "\248\136\128\128\128", "\254", "\255", "有\255",
    "a\240\159\146", "\195(" }

local NUMBERS = { 0 / 0, 1 / 0, -1 / 0, 2 ^ 53 - 1, 2 ^ 53, 2 ^ 53 + 1, -2 ^ 53 - 1, 0.5,
    9007199254740993 }

local function raiser(name) return function() error(name .. " was called") end end

local function hostile(value)
    return setmetatable(value, { __index = raiser "__index", __pairs = raiser "__pairs",
        __len = raiser "__len", __tostring = raiser "__tostring", __eq = raiser "__eq",
        __lt = raiser "__lt", __concat = raiser "__concat", __call = raiser "__call" })
end

local function cycle()
    local value = {}
    value.a, value[1] = value, { value }
    return value
end

local function valid(field)
    if field.enum then return field.enum[1] end
    return field.type == "boolean" and true or field.type == "integer" and 1 or "x"
end

-- Only what is required, and what makes sense for a create by a wrapper.
local function base_request(endpoint)
    local given = {}
    for section, fields in pairs(endpoint.request) do
        given[section] = {}
        for _, field in ipairs(fields) do
            if field.required then given[section][field.name] = valid(field) end
        end
    end
    return given
end

local function each_field(visit)
    for _, endpoint in ipairs(endpoints.all) do
        for section, fields in pairs(endpoint.request) do
            for _, field in ipairs(fields) do
                if not endpoint.internal then visit(endpoint, section, field) end
            end
        end
    end
end

-- Misspellings ------------------------------------------------------------------------------

local function misspellings(name, known)
    local found = {}
    local function add(wrong)
        if not known[wrong] then found[wrong] = true end
    end
    for i = 1, #name do
        local before, char, after = name:sub(1, i - 1), name:sub(i, i), name:sub(i + 1)
        add(before .. after)
        add(before .. char .. char .. after)
        add(before .. after:sub(1, 1) .. char .. after:sub(2))
        add(before .. (char:lower() == char and char:upper() or char:lower()) .. after)
    end
    add(name:upper())
    add(name:lower())
    return found
end

local function known_names(fields)
    local known = {}
    for _, field in ipairs(fields) do known[field.name] = true end
    return known
end

-- The inputs --------------------------------------------------------------------------------

-- visit(endpoint, section, given, path, what the message must hold)
local function each_wrong_request(visit)
    local function one(endpoint, section, name, value, wanted)
        local given = base_request(endpoint)
        given[section][name] = value
        visit(endpoint, section, given, section .. "." .. name, wanted)
    end

    each_field(function(endpoint, section, field)
        local name = field.name
        for kind, value in pairs(VALUES) do
            if kind ~= LUA_TYPE[field.type] then one(endpoint, section, name, value) end
        end
        for _, value in ipairs { hostile {}, cycle(), { "x" }, { a = 1 } } do
            one(endpoint, section, name, value)
        end
        if field.type ~= "integer" then
            for _, number in ipairs(NUMBERS) do one(endpoint, section, name, number) end
        end
        if field.required then
            one(endpoint, section, name, nil, "is required")
            if not field.empty_is_absent then one(endpoint, section, name, "") end
            one(endpoint, section, name, cloudcal.null)
        end
        if field.filled then one(endpoint, section, name, valid(field), "cloudcal") end
        if field.type == "string" and not field.filled then
            for _, bytes in ipairs(BAD_UTF8) do one(endpoint, section, name, bytes) end
            for _, char in ipairs(CHARACTERS) do
                if field.max then
                    one(endpoint, section, name, char:rep(field.max + 1), tostring(field.max))
                    one(endpoint, section, name, char:rep(field.max + 100), tostring(field.max))
                    one(endpoint, section, name, ("x"):rep(field.max) .. char, tostring(field.max))
                end
            end
            if field.max then one(endpoint, section, name, ("a"):rep(2 ^ 20)) end
        end
        if field.enum then
            for _, wrong in ipairs { "", "x", field.enum[1]:upper(), field.enum[1] .. " ",
                                     " " .. field.enum[1], field.enum[1] .. "\0", "有" } do
                one(endpoint, section, name, wrong, field.enum[#field.enum])
            end
        end
        for wrong in pairs(misspellings(name, known_names(endpoint.request[section]))) do
            one(endpoint, section, wrong, valid(field), "?" .. name)
        end
        for kind, value in pairs(VALUES) do
            if kind ~= "table" then
                local given = base_request(endpoint)
                given[section] = value
                visit(endpoint, section, given, section)
            end
        end
    end)
end

local function each_odd_key(visit)
    for _, endpoint in ipairs(endpoints.all) do
        for section in pairs(endpoint.internal and {} or endpoint.request) do
            for key, text in pairs {
                [1] = "1", [0.5] = "0.5", [true] = "true", [hostile {}] = "(a table)",
                [print] = "(a function)", ["\255"] = "\255", ["a\0b"] = "a\0b", [""] = "",
                names = "names", __index = "__index", [("x"):rep(2000)] = ("x"):rep(2000),
            } do
                local given = base_request(endpoint)
                given[section][key] = 1
                visit(endpoint, section, given, section .. "." .. text)
            end
        end
    end
end

-- The calls -----------------------------------------------------------------------------------

local clients, counted, sent_before = {}, 0, {}

local function mirror(client, operation)
    for name in operation:gmatch("[^.]+") do client = client[name] end
    return client
end

local WRAPPERS = {
    ["calendar.v4.setting.generate_caldav_conf"] = function(client, given)
        return client:generate_caldav_conf(given.body, given.query)
    end,
    ["calendar.v4.exchange_binding.create"] = function(client, given)
        return client:create_exchange_binding(given.body, given.query)
    end,
    ["calendar.v4.exchange_binding.get"] = function(client, given)
        return client:get_exchange_binding(given.path.exchange_binding_id, given.query)
    end,
    ["calendar.v4.exchange_binding.delete"] = function(client, given)
        return client:delete_exchange_binding(given.path.exchange_binding_id)
    end,
    ["calendar.v4.calendar.primary"] = function(client, given)
        return client:primary_calendar(given.query)
    end,
    ["allinone.putcalendar"] = function(client, given)
        return client:put_calendar(given.Client.UserCode, given.Calendar)
    end,
}

-- What a wrapper names by its own argument: a wrong type or an unknown name there is a mistake
-- in the program, which raises.
local function is_argument(section, path, given)
    local value = given[section]
    if type(value) ~= "table" then return true end
    if section == "path" or section == "Client" then
        local name = section == "path" and "exchange_binding_id" or "UserCode"
        return path ~= section .. "." .. name or type(rawget(value, name)) ~= "string"
    end
    return section == "query" and path ~= "query.user_id_type"
end

local function check(err, meta, result, path, wanted)
    assert(result == nil, "it was taken")
    assert(err.kind == "invalid_request" and err.stage == "check", "kind " .. tostring(err.kind))
    assert(err.acted == "no" and err.retryable == false and err.http_status == nil, "acted")
    assert(err.field == path, "field " .. tostring(err.field))
    assert(err.message:find(path:gsub("%s+", " "), 1, true), "the path is not in: " .. err.message)
    assert(meta.attempts == 0 and meta.status == nil, "attempts")
    assert(#err.hint > 0 and #err.hint_zh > 0 and #tostring(err) > 0, "hints")
    local near = wanted and wanted:match("^%?(.*)")
    if near then wanted = "did you mean " .. near .. "?" end
    assert(err.message:find(wanted or "", 1, true), "without a hint: " .. err.message)
end

local function try(call, path, wanted)
    local result, err, meta
    local fine, problem = pcall(function()
        result, err, meta = call()
        check(err, meta, result, path, wanted)
    end)
    if not fine then error(("%s: %s"):format(path, tostring(problem)), 0) end
    counted = counted + 1
end

local function try_mirror(endpoint, _, given, path, wanted)
    for _, service in ipairs(endpoint.services) do
        try(function() return mirror(clients[service], endpoint.operation)(given) end, path, wanted)
    end
end

local function try_wrapper(endpoint, section, given, path, wanted)
    if is_argument(section, path, given) then return end
    local service = endpoint.services[1]
    try(function() return WRAPPERS[endpoint.operation](clients[service], given) end, path, wanted)
end

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
            counted = 0
            each(how)
            assert.is_true(counted >= least, "only " .. counted .. " inputs")
        end)
    end

    test("are refused at level 1", 1900, each_wrong_request, try_mirror)
    test("are refused at level 2", 600, each_wrong_request, try_wrapper)
    test("with odd keys are refused at level 1", 100, each_odd_key, try_mirror)

    it("are refused at level 2 where opts are wrong, by a raise at the caller's line", function()
        for wrong in pairs(misspellings("user_id_type", { user_id_type = true })) do
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
        counted = 0
        local client = clients.youkong
        local name = { CalendarName = "n" }
        local with_id = { CalendarName = "n", CalendarId = "i" }
        try(function() return client:create_calendar("u", with_id) end, "Calendar.CalendarId")
        try(function() return client:update_calendar("u", name) end, "Calendar.CalendarId")
        try(function()
            return client:update_calendar("u", { CalendarName = "n", CalendarId = "" })
        end, "Calendar.CalendarId")
        for _, method in ipairs { "create_calendar", "put_calendar" } do
            try(function() return client[method](client, "u", {}) end, "Calendar.CalendarName")
            try(function() return client[method](client, "", name) end, "Client.UserCode")
        end
        assert.equal(7, counted)
    end)

    it("of a tenant for what only users have are refused", function()
        local known = support.sandbox().feishu
        local client = support.client("feishu", { app_id = known.app_id,
            app_secret = known.app_secret, tenant_access_token = "t-x" })
        try(function() return client:primary_calendar { user_id_type = "user_id" } end,
            "query.user_id_type")
        for _, call in ipairs {
            function() return client:generate_caldav_conf({}, { token = "t-x" }) end,
            function() return client:create_exchange_binding({}, { token = "t-x" }) end,
            function() return client:primary_calendar { token = "a-x" } end,
            function() return client:primary_calendar { token = "u-x\n" } end,
        } do try(call, "token") end
        try(function() return client:generate_caldav_conf({}, { identity = "tenant" }) end,
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
        local given = base_request(endpoint)
        given[section][name] = value
        local clean, problem = schema.check(endpoint, given)
        assert.is_nil(problem)
        return clean[section][name]
    end

    it("pass at each bound, in characters of each size", function()
        local count = 0
        each_field(function(endpoint, section, field)
            if field.type ~= "string" or field.filled or field.enum then return end
            local lengths = { field.min or 1, field.max and field.max - 1, field.max or 5000 }
            for _, length in pairs(lengths) do
                for _, char in ipairs(CHARACTERS) do
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
        each_field(function(endpoint, section, field)
            if field.filled then return end
            for _, value in ipairs(field.enum or {}) do
                assert.equal(value, passes(endpoint, section, field.name, value))
                count = count + 1
            end
            assert.equal(valid(field), passes(endpoint, section, field.name, valid(field)))
            if field.type == "boolean" then
                assert.is_false(passes(endpoint, section, field.name, false))
            end
        end)
        assert.equal(9, count)
    end)

    it("pass with NUL and other characters that JSON can carry", function()
        each_field(function(endpoint, section, field)
            if field.type ~= "string" or field.filled or section == "query" then return end
            for _, value in ipairs { "a\0b", "\1", "\127", "\r\n", '"\\', "\239\191\191" } do
                assert.equal(value, passes(endpoint, section, field.name, value))
            end
        end)
    end)

    it("pass with null and with \"\" where that means absent", function()
        each_field(function(endpoint, section, field)
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
            local given = base_request(endpoint)
            for _, values in pairs(given) do hostile(values) end
            local clean, problem = schema.check(endpoint, given)
            assert.is_nil(problem)
            for section, values in pairs(given) do
                for name, value in next, values do assert.equal(value, clean[section][name]) end
                assert.is_nil(getmetatable(clean[section]))
            end
        end
    end)
end)
