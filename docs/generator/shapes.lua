-- The classes of an endpoint's tables, for editors: one for each table that a caller writes or
-- reads.

local shapes = {}

--- The name of an operation's class.
function shapes.class(operation, ...)
    return table.concat({ "cloudcal." .. operation, ... }, ".")
end

--- The type of a parameter or result, with "$" for the class of the operation.
function shapes.type(text, operation)
    return (text:gsub("%$", operation and shapes.class(operation) or "%0"))
end

local PLAIN = { string = "string", integer = "integer", boolean = "boolean" }

-- An answer may hold values that are not in the list.
local function enum_type(field, is_answer)
    local values = {}
    for i, value in ipairs(field.enum) do values[i] = ("%q"):format(value) end
    if is_answer then values[#values + 1] = "string" end
    return table.concat(values, "|")
end

local function type_of(field, name, is_answer)
    if field.type == "object" then return name end
    if field.type == "array" then return name .. "[]" end
    return field.enum and enum_type(field, is_answer) or PLAIN[field.type]
end

local add_class

-- Endpoints that share a table share its class; the others' names stand for the first.
local shared = setmetatable({}, { __mode = "k" })

local function add_field(list, class, field, is_answer)
    if field.filled then return end
    local name = class.name .. "." .. field.name
    class.fields[#class.fields + 1] = {
        name = field.name, type = type_of(field, name, is_answer),
        optional = not field.required, about = field.about and field.about.en,
    }
    local first = shared[field]
    if first and first ~= name then
        list[#list + 1] = { name = name, alias = first }
    elseif field.fields then
        shared[field] = name
        add_class(list, name, field.fields, is_answer)
    end
end

function add_class(list, name, fields, is_answer)
    local class = { name = name, fields = {} }
    list[#list + 1] = class
    for _, field in ipairs(fields) do add_field(list, class, field, is_answer) end
    return class
end

local SECTIONS = { "path", "query", "body", "Client", "Calendar" }

--- The sections of an endpoint's request, in order.
function shapes.sections(endpoint)
    local list = {}
    for _, name in ipairs(SECTIONS) do
        if endpoint.request[name] then list[#list + 1] = name end
    end
    return list
end

local function has_required(fields)
    for _, field in ipairs(fields) do
        if field.required and not field.filled then return true end
    end
    return false
end

local function is_of(endpoint, service)
    for _, name in ipairs(endpoint.services) do
        if name == service then return true end
    end
    return false
end

--- The base class of the options of one call.
function shapes.call_options(endpoint)
    return is_of(endpoint, "youkong") and "cloudcal.call_options"
        or "cloudcal.platform_call_options"
end

local ENVELOPES = {
    platform = { { "code", "integer" }, { "msg", "string", optional = true } },
    youkong = { { "Success", "boolean" } },
}

local function add_response(list, endpoint)
    local class = add_class(list, shapes.class(endpoint.operation, "response"),
        endpoint.response, true)
    local envelope = ENVELOPES[is_of(endpoint, "youkong") and "youkong" or "platform"]
    for i, row in ipairs(envelope) do
        table.insert(class.fields, i, { name = row[1], type = row[2],
            optional = row.optional })
    end
end

--- The classes of an endpoint: { name, base, fields = { { name, type, optional, about } } } or
-- { name, alias }.
function shapes.of(endpoint)
    local list = {}
    local operation, base = endpoint.operation, shapes.call_options(endpoint)
    local request = { name = shapes.class(operation, "request"), base = base, fields = {} }
    for _, section in ipairs(shapes.sections(endpoint)) do
        local fields = endpoint.request[section]
        local name = shapes.class(operation, section)
        add_class(list, name, fields, false)
        request.fields[#request.fields + 1] = { name = section, type = name,
            optional = not has_required(fields) }
    end
    list[#list + 1] = request
    if endpoint.request.query or is_of(endpoint, "feishu") then
        local opts = { name = shapes.class(operation, "opts"), base = base, fields = {} }
        for _, field in ipairs(endpoint.request.query or {}) do
            add_field(list, opts, field, false)
        end
        list[#list + 1] = opts
    end
    add_response(list, endpoint)
    return list
end

return shapes
