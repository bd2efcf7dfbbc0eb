--- Text forms of the wire: percent-encoding, forms, base64, JSON. No I/O.
local text = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local WORD = ALPHABET:sub(1, 62)

--- Percent-encode everything but the unreserved characters.
function text.escape(value)
    return (value:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

--- Percent-decode; nil when an escape is cut or not hexadecimal.
function text.unescape(value)
    local rest = value:gsub("%%%x%x", "")
    if rest:find("%", 1, true) then return nil end
    return (value:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

--- Decode a query or a form body into a table; the first of two equal names counts.
function text.form(value)
    local fields = {}
    for pair in value:gmatch("[^&]+") do
        local name, content = pair:match("^([^=]*)=?(.*)$")
        name = text.unescape((name:gsub("%+", " ")))
        content = text.unescape((content:gsub("%+", " ")))
        if not name or not content then return nil end
        if fields[name] == nil then fields[name] = content end
    end
    return fields
end

--- The set of the words in a list that spaces divide; nil when one stands there twice.
function text.words(list)
    local set = {}
    for word in (list or ""):gmatch("%S+") do
        if set[word] then return nil end
        set[word] = true
    end
    return set
end

local function sextet(number, position)
    local index = math.floor(number / 64 ^ position) % 64
    return ALPHABET:sub(index + 1, index + 1)
end

--- Base64 with padding.
function text.base64(bytes)
    local out = {}
    for i = 1, #bytes, 3 do
        local a, b, c = bytes:byte(i, i + 2)
        local number = a * 65536 + (b or 0) * 256 + (c or 0)
        out[#out + 1] = sextet(number, 3) .. sextet(number, 2)
            .. (b and sextet(number, 1) or "=") .. (c and sextet(number, 0) or "=")
    end
    return table.concat(out)
end

--- Base64 for URLs, without padding.
function text.base64url(bytes)
    return (text.base64(bytes):gsub("[+/=]", { ["+"] = "-", ["/"] = "_", ["="] = "" }))
end

--- Lower-case hexadecimal digits of some bytes.
function text.hex(bytes)
    return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

--- One letter or digit for each byte.
function text.word(bytes)
    return (bytes:gsub(".", function(c)
        local index = c:byte() % #WORD + 1
        return WORD:sub(index, index)
    end))
end

-- JSON, written here because the verdict stands first (people read these answers) and an
-- empty array must stay one with every lua-cjson.
local ORDER = {}
for i, name in ipairs { "code", "msg", "Success", "Error", "error", "Data", "data" } do
    ORDER[name] = i
end

local is_array = {}

--- The JSON null.
text.null = setmetatable({}, { __tostring = function() return "null" end })

--- Mark a table as an array, which matters when it is empty.
function text.array(list) return setmetatable(list, is_array) end

local function before(a, b)
    local x, y = ORDER[a] or 99, ORDER[b] or 99
    if x ~= y then return x < y end
    return a < b
end

local function quoted(value)
    return '"' .. value:gsub('[%c"\\\127]', function(c)
        return ("\\u%04x"):format(c:byte())
    end) .. '"'
end

local encode

local function encode_list(list)
    local out = {}
    for i, item in ipairs(list) do out[i] = encode(item) end
    return "[" .. table.concat(out, ",") .. "]"
end

local function encode_object(object)
    local names, out = {}, {}
    for name in pairs(object) do names[#names + 1] = name end
    table.sort(names, before)
    for i, name in ipairs(names) do out[i] = quoted(name) .. ":" .. encode(object[name]) end
    return "{" .. table.concat(out, ",") .. "}"
end

local function encode_number(number)
    if number == math.floor(number) and math.abs(number) < 2 ^ 53 then
        return ("%.0f"):format(number)
    end
    return ("%.14g"):format(number)
end

function encode(value)
    if value == text.null then return "null" end
    if type(value) == "string" then return quoted(value) end
    if type(value) == "number" then return encode_number(value) end
    if type(value) ~= "table" then return tostring(value) end
    if getmetatable(value) == is_array or #value > 0 then return encode_list(value) end
    return encode_object(value)
end

--- A value as JSON. Strings must be UTF-8; tables with a first element are arrays.
text.json = encode

return text
