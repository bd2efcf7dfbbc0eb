--- Wrong requests made from the endpoint tables, and what has to be said of each: an error that
-- names the field, and nothing sent.

local cloudcal = require "cloudcal"
local endpoints = require "cloudcal.endpoints"

local bad = { counted = 0 }

--- One character of each length that matters.
bad.CHARACTERS = { "a", "有", "😀" }

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

-- Lua 5.2 and 5.3 raise what a finalizer raises in whatever runs at that moment.
local FINALIZER = _VERSION == "Lua 5.4" and raiser "__gc" or nil

--- A table that raises whatever is asked of it, but for a raw look.
function bad.hostile(value)
    return setmetatable(value, { __index = raiser "__index", __pairs = raiser "__pairs",
        __len = raiser "__len", __tostring = raiser "__tostring", __eq = raiser "__eq",
        __lt = raiser "__lt", __concat = raiser "__concat", __call = raiser "__call",
        __gc = FINALIZER })
end

local function cycle()
    local value = {}
    value.a, value[1] = value, { value }
    return value
end

--- A value that a field takes.
function bad.valid(field)
    if field.enum then return field.enum[1] end
    return field.type == "boolean" and true or field.type == "integer" and 1 or "x"
end

--- A request with only what is required.
function bad.base(endpoint)
    local given = {}
    for section, fields in pairs(endpoint.request) do
        given[section] = {}
        for _, field in ipairs(fields) do
            if field.required then given[section][field.name] = bad.valid(field) end
        end
    end
    return given
end

--- Visits the fields of all endpoints: visit(endpoint, section, field).
function bad.each_field(visit)
    for _, endpoint in ipairs(endpoints.all) do
        for section, fields in pairs(endpoint.request) do
            for _, field in ipairs(fields) do
                if not endpoint.internal then visit(endpoint, section, field) end
            end
        end
    end
end

-- Misspellings ------------------------------------------------------------------------------

--- Wrong names near a right one, as the keys of a table.
function bad.misspellings(name, known)
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

--- Visits each wrong request: visit(endpoint, section, given, path, what the message must hold).
function bad.each(visit)
    local function one(endpoint, section, name, value, wanted)
        local given = bad.base(endpoint)
        given[section][name] = value
        visit(endpoint, section, given, section .. "." .. name, wanted)
    end

    bad.each_field(function(endpoint, section, field)
        local name = field.name
        for kind, value in pairs(VALUES) do
            if kind ~= LUA_TYPE[field.type] then one(endpoint, section, name, value) end
        end
        for _, value in ipairs { bad.hostile {}, cycle(), { "x" }, { a = 1 } } do
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
        if field.filled then one(endpoint, section, name, bad.valid(field), "cloudcal") end
        if field.type == "string" and not field.filled then
            for _, bytes in ipairs(BAD_UTF8) do
                for _, before in ipairs { "", "a", "有" } do
                    one(endpoint, section, name, before .. bytes)
                    one(endpoint, section, name, before .. bytes .. "a")
                end
            end
            for _, char in ipairs(bad.CHARACTERS) do
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
        for wrong in pairs(bad.misspellings(name, known_names(endpoint.request[section]))) do
            one(endpoint, section, wrong, bad.valid(field), "?" .. name)
        end
        for kind, value in pairs(VALUES) do
            if kind ~= "table" then
                local given = bad.base(endpoint)
                given[section] = value
                visit(endpoint, section, given, section)
            end
        end
    end)
end

--- Visits requests with keys that are no names.
function bad.each_odd_key(visit)
    for _, endpoint in ipairs(endpoints.all) do
        for section in pairs(endpoint.internal and {} or endpoint.request) do
            for key, text in pairs {
                [1] = "1", [0.5] = "0.5", [true] = "true", [bad.hostile {}] = "(a table)",
                [print] = "(a function)", ["\255"] = "\255", ["a\0b"] = "a\0b", [""] = "",
                names = "names", __index = "__index", [("x"):rep(2000)] = ("x"):rep(2000),
            } do
                local given = bad.base(endpoint)
                given[section][key] = 1
                visit(endpoint, section, given, section .. "." .. text)
            end
        end
    end
end

-- The calls -----------------------------------------------------------------------------------

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

--- Makes a call that has to be refused because of `path`; raises if it is not.
-- @param wanted what the message must hold; "?" and a name: what was probably meant
function bad.try(call, path, wanted)
    local result, err, meta
    local fine, problem = pcall(function()
        result, err, meta = call()
        check(err, meta, result, path, wanted)
    end)
    if not fine then error(("%s: %s"):format(path, tostring(problem)), 0) end
    bad.counted = bad.counted + 1
end

--- Tries a request at level 1, at each of its services.
-- @param clients by the names of the services
function bad.by_mirror(clients, endpoint, _, given, path, wanted)
    for _, service in ipairs(endpoint.services) do
        bad.try(function()
            return mirror(clients[service], endpoint.operation)(given)
        end, path, wanted)
    end
end

--- Tries it at level 2, unless the wrapper has an argument for what is wrong.
function bad.by_wrapper(clients, endpoint, section, given, path, wanted)
    if is_argument(section, path, given) then return end
    local service = endpoint.services[1]
    bad.try(function()
        return WRAPPERS[endpoint.operation](clients[service], given)
    end, path, wanted)
end

return bad

