--- Checks a request and an answer against an endpoint's table.

local core = require "cloudcal.core"
local json = require "cloudcal.json"

local schema = {}

-- The order in which sections are checked, so that the first problem is always the same one.
local SECTIONS = { "path", "query", "body", "Client", "Calendar" }

local LONGEST_NAME = 100 -- beyond it a wrong name is not compared with the known ones

local function edit_distance(a, b)
    local row = {}
    for j = 0, #b do row[j] = j end
    for i = 1, #a do
        local diagonal = row[0]
        row[0] = i
        for j = 1, #b do
            local above = row[j]
            local cost = a:byte(i) == b:byte(j) and 0 or 1
            row[j] = math.min(above + 1, row[j - 1] + 1, diagonal + cost)
            diagonal = above
        end
    end
    return row[#b]
end

--- The known name that a wrong one was probably meant to be.
-- @return the nearest of `names` (an array), or nil if none is near
function schema.nearest(wrong, names)
    local best, least = nil, math.floor(#wrong / 3) + 1
    if #wrong > LONGEST_NAME then return nil end
    for _, name in ipairs(names) do
        local distance = edit_distance(wrong:lower(), name:lower())
        if distance < least or (distance == least and not best) then
            best, least = name, distance
        end
    end
    return best
end

--- Text of a key that somebody gave us; never calls a metamethod.
function schema.text_of(key)
    local kind = type(key)
    if kind == "string" or kind == "number" or kind == "boolean" then return tostring(key) end
    return ("(a %s)"):format(kind)
end

local indexes = setmetatable({}, { __mode = "k" })

local function index(fields)
    local found = indexes[fields]
    if not found then
        found = { names = {} }
        for i, field in ipairs(fields) do
            found.names[i] = field.name
            found[field.name] = field
        end
        indexes[fields] = found
    end
    return found
end

--- What is wrong with a request: the error's name, the mirror path of the field, and why.
function schema.problem(name, path, message)
    return { name = name, field = path, message = path .. " " .. message }
end

local problem = schema.problem

local ARTICLES = { integer = "an", object = "an", array = "an" }

local LUA_TYPES = {
    string = "string", boolean = "boolean", integer = "number", object = "table", array = "table",
}

local function has_type(value, wanted)
    return type(value) == LUA_TYPES[wanted] and (wanted ~= "integer" or value % 1 == 0)
end

local function check_string(field, value, path)
    local length = core.utf8_length(value)
    if not length then return problem("invalid_utf8", path, "is not UTF-8") end
    if field.max and length > field.max then
        return problem("too_long", path,
            ("has %d characters; at most %d are allowed"):format(length, field.max))
    end
    if field.min and length < field.min then
        return problem("too_short", path, "must not be empty")
    end
end

local function check_enum(field, value, path)
    for _, allowed in ipairs(field.enum) do
        if value == allowed then return nil end
    end
    return problem("unknown_value", path, "must be one of " .. table.concat(field.enum, ", "))
end

local function check_value(field, value, path)
    if not has_type(value, field.type) then
        return problem("wrong_type", path,
            ("must be %s %s, not a %s")
                :format(ARTICLES[field.type] or "a", field.type, type(value)))
    end
    local found = type(value) == "string" and check_string(field, value, path)
    if found then return found end
    return field.enum and check_enum(field, value, path) or nil
end

local function unknown_field(section, fields, key)
    local known = index(fields)
    local path = section .. "." .. schema.text_of(key)
    local near = type(key) == "string" and schema.nearest(key, known.names)
    return problem("unknown_field", path, near
        and ("is not a field; did you mean %s?"):format(near) or "is not a field")
end

-- A path or a query has no way to say null.
local function is_null(section, value)
    return value == json.null and section ~= "path" and section ~= "query"
end

local function check_field(section, field, value)
    if value == nil and not field.required then return nil end
    local path = section .. "." .. field.name
    if value == nil then return problem("missing_field", path, "is required") end
    if field.filled then
        return problem("filled_by_cloudcal", path, "is filled in by cloudcal")
    end
    if is_null(section, value) and not field.required then return nil end
    return check_value(field, value, path)
end

local function check_section(section, fields, values)
    if type(values) ~= "table" then
        return nil, problem("wrong_type", section, "must be a table, not a " .. type(values))
    end
    local known, clean = index(fields), {}
    for key in next, values do
        if not known[key] or key == "names" then
            return nil, unknown_field(section, fields, key)
        end
    end
    for i = 1, #fields do
        local field = fields[i]
        local value = rawget(values, field.name)
        if field.empty_is_absent and value == "" then value = nil end
        local found = check_field(section, field, value)
        if found then return nil, found end
        clean[field.name] = value
    end
    return clean
end

local NOTHING = {}

local sections_of = setmetatable({}, { __mode = "k" }) -- by the table of an endpoint's request

local function copy_of(values)
    local copy = {}
    for key, value in next, values do copy[key] = value end
    return copy
end

-- The sections that an endpoint has: name, fields, and whether one of them must be given; and
-- what a request without any comes to.
local function sections(of_request)
    local list = { empty = {} }
    for _, name in ipairs(SECTIONS) do
        local fields = of_request[name]
        local section = { name = name, fields = fields, is_needed = false }
        for _, field in ipairs(fields or {}) do
            if field.required then section.is_needed = true end
        end
        if fields then
            list[#list + 1] = section
            list.empty[name] = NOTHING
        end
    end
    sections_of[of_request] = list
    return list
end

local function is_empty(values)
    return type(values) == "table" and next(values) == nil
end

--- Checks the sections of a request (path, query, body, or Client, Calendar).
-- @return a copy with only what is to be sent, to be read only; or nil and a problem with name,
-- field (the mirror's path) and message
function schema.check(endpoint, request)
    local list = sections_of[endpoint.request] or sections(endpoint.request)
    local clean = list.empty
    for i = 1, #list do
        local section = list[i]
        local name, values = section.name, request[section.name]
        if values == nil then values = NOTHING end
        if section.is_needed or not is_empty(values) then
            local copy, found = check_section(name, section.fields, values)
            if not copy then return nil, found end
            if clean == list.empty then clean = copy_of(clean) end
            clean[name] = copy
        end
    end
    return clean
end

local parts_of = {} -- the paths that the endpoints' tables name, parted

local function parts(path)
    local list = {}
    for name in path:gmatch("[^.]+") do list[#list + 1] = name end
    parts_of[path] = list
    return list
end

--- Looks up a mirror path such as "Calendar.CalendarId" in a table.
-- @param path one that the table of an endpoint names: it is kept
function schema.lookup(values, path)
    local list = parts_of[path] or parts(path)
    for i = 1, #list do
        if type(values) ~= "table" then return nil end
        values = values[list[i]]
    end
    return values
end

local shapes = setmetatable({}, { __mode = "k" })

-- An array of fields as src/json.c wants it.
local function shape_of(fields)
    local shape = shapes[fields]
    if shape then return shape end
    shape = {}
    for _, field in ipairs(fields) do
        shape[#shape + 1] = field.name
        shape[#shape + 1] = field.type
        shape[#shape + 1] = field.required == true
        shape[#shape + 1] = field.fields and shape_of(field.fields) or false
    end
    shapes[fields] = shape
    return shape
end

--- Checks the types of an answer's known fields.
-- @return nil if all is well; else the path of the first wrong or missing field and the
-- type that it should have
function schema.check_answer(endpoint, body)
    return core.json_misfit(shape_of(endpoint.response), body)
end

return schema
