--- Text of a value, for people: keys sorted, secret fields masked.

local json = require "cloudcal.json"
local redact = require "cloudcal.redact"

local MAX_DEPTH = 20

-- Numbers first, then the other types by name; within a type that has no order, by its text.
local function key_order(a, b)
    local type_a, type_b = type(a), type(b)
    if type_a ~= type_b then
        return type_a == "number" or (type_b ~= "number" and type_a < type_b)
    end
    if type_a == "number" or type_a == "string" then return a < b end
    return tostring(a) < tostring(b)
end

local function sorted_keys(value)
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys, key_order)
    return keys
end

local function key_text(key)
    if type(key) == "string" and key:match("^[%a_][%w_]*$") then return key end
    return ("[%s]"):format(type(key) == "string" and ("%q"):format(key) or tostring(key))
end

local render

local function member(value, key, indent, above)
    local text = redact.is_secret(key) and '"***"' or render(value[key], indent, above)
    if type(key) == "number" then return indent .. text end
    return ("%s%s = %s"):format(indent, key_text(key), text)
end

-- `above` holds the tables that this one stands in: a cycle is not followed.
local function render_table(value, indent, above)
    local keys, inner, lines = sorted_keys(value), indent .. "  ", {}
    if #keys == 0 then return "{}" end
    if above[value] or #inner > 2 * MAX_DEPTH then return "{ … }" end
    above[value] = true
    for i, key in ipairs(keys) do lines[i] = member(value, key, inner, above) end
    above[value] = nil
    return ("{\n%s\n%s}"):format(table.concat(lines, ",\n"), indent)
end

function render(value, indent, above)
    if value == json.null then return "null" end
    if type(value) == "string" then return '"' .. value:gsub('[\n"\\]', {
        ["\n"] = "\\n", ['"'] = '\\"', ["\\"] = "\\\\" }) .. '"' end
    if type(value) == "table" then return render_table(value, indent, above) end
    return tostring(value)
end

--- Renders a value for people.
-- @return text of several lines; passwords, tokens and signatures are masked
return function(value)
    return render(value, "", {})
end
