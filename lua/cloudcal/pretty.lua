--- Text of a value, for people: keys sorted, secret fields masked.

local json = require "cloudcal.json"
local redact = require "cloudcal.redact"

local MAX_DEPTH = 20

local function key_order(a, b)
    if type(a) == type(b) and type(a) ~= "table" and type(a) ~= "boolean" then return a < b end
    return type(a) == "number"
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

local function member(value, key, indent)
    local text = redact.is_secret(key) and '"***"' or render(value[key], indent)
    if type(key) == "number" then return indent .. text end
    return ("%s%s = %s"):format(indent, key_text(key), text)
end

local function render_table(value, indent)
    local keys, inner, lines = sorted_keys(value), indent .. "  ", {}
    if #keys == 0 then return "{}" end
    if #inner > 2 * MAX_DEPTH then return "{ … }" end
    for i, key in ipairs(keys) do lines[i] = member(value, key, inner) end
    return ("{\n%s\n%s}"):format(table.concat(lines, ",\n"), indent)
end

function render(value, indent)
    if value == json.null then return "null" end
    if type(value) == "string" then return '"' .. value:gsub('[\n"\\]', {
        ["\n"] = "\\n", ['"'] = '\\"', ["\\"] = "\\\\" }) .. '"' end
    if type(value) == "table" then return render_table(value, indent) end
    return tostring(value)
end

--- Renders a value for people.
-- @return text of several lines; passwords, tokens and signatures are masked
return function(value)
    return render(value, "")
end
