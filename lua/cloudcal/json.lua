--- The one door to lua-cjson. Behind it every build of lua-cjson behaves the same: strict
-- UTF-8, strict numbers, integers that are integers, objects without null, no metatables.

local cjson = require "cjson"
local core = require "cloudcal.core"

local MAX_DEPTH = 100

local codec = cjson.new()
codec.decode_invalid_numbers(false)
codec.decode_max_depth(MAX_DEPTH)
codec.encode_max_depth(MAX_DEPTH + 1)

local json = { null = cjson.null }

--- Decodes JSON text.
-- @return the value; or nil and "not_utf8", "not_json" or "inexact_integer"
function json.decode(text)
    local fine, reason = core.json_check(text)
    if not fine then return nil, reason end
    local decoded, value = pcall(codec.decode, text)
    if not decoded then return nil, "not_json" end
    if type(value) == "table" then
        if core.json_mend(value) then return value end
        return nil, "not_json"
    end
    local box = { value }
    if not core.json_mend(box) then return nil, "not_json" end
    return box[1]
end

-- What every build of lua-cjson writes without loss. It is the narrowest of them that counts:
-- a request must not change its meaning with the build.
local function is_exact(number)
    return number == number and tonumber(("%.14g"):format(number)) == number
        and number ~= math.huge and number ~= -math.huge
end

local copy -- of a value, for the encoder; raises { path =, message = }

local function refuse(path, message)
    error({ path = path, message = message }, 0)
end

local function length_if_array(value)
    local count, highest = 0, 0
    for key in next, value do
        if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then return nil end
        count = count + 1
        if key > highest then highest = key end
    end
    if count > 0 and count == highest then return count end
end

local function copy_object(value, path, depth)
    local result = {}
    for key, member in next, value do
        if type(key) ~= "string" then
            refuse(path, "is neither an object nor an array without holes")
        end
        local inner = path == "" and key or path .. "." .. key
        result[copy(key, inner, depth)] = copy(member, inner, depth)
    end
    return result
end

local function copy_table(value, path, depth)
    if depth > MAX_DEPTH then refuse(path, "is nested too deep") end
    local length = length_if_array(value)
    if not length then return copy_object(value, path, depth) end
    local result = {}
    for i = 1, length do
        result[i] = copy(rawget(value, i), ("%s[%d]"):format(path, i), depth)
    end
    return result
end

local copiers = {
    table = function(value, path, depth) return copy_table(value, path, depth + 1) end,
    boolean = function(value) return value end,
    string = function(value, path)
        if not core.utf8_length(value) then refuse(path, "is not UTF-8") end
        return value
    end,
    number = function(value, path)
        if not is_exact(value) then
            refuse(path, "is a number that JSON cannot carry exactly; send it as a string")
        end
        return value
    end,
    userdata = function(value, path)
        if value ~= json.null then refuse(path, "is a userdata") end
        return value
    end,
}

function copy(value, path, depth)
    local copier = copiers[type(value)]
    if not copier then refuse(path, "is a " .. type(value)) end
    return copier(value, path, depth)
end

--- Encodes a value: tables, strings, booleans, exact numbers, json.null.
-- @return JSON text; or nil, the path of the member that cannot be sent, and why
function json.encode(value)
    local copied, result = pcall(copy, value, "", 0)
    if copied then return codec.encode(result) end
    if type(result) ~= "table" then error(result, 0) end
    return nil, result.path, result.message
end

return json
