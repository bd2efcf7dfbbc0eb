--- Keeps secrets out of everything that people read: by the name of a field, and by value.

local redact = {}

local MASK = "***"

-- Fields that are masked wherever they stand.
local SECRET_FIELDS = {
    password = true, secret = true, Sign = true, sign = true,
    app_secret = true, client_secret = true, app_ticket = true,
    access_token = true, refresh_token = true, user_access_token = true,
    tenant_access_token = true, app_access_token = true,
    code_verifier = true, device_code = true,
}

--- Tells whether a field of this name is never shown.
function redact.is_secret(name)
    return SECRET_FIELDS[name] == true
end

local function replace_plain(text, secret)
    local parts, from = {}, 1
    local first, last = text:find(secret, 1, true)
    if not first then return text end
    while first do
        parts[#parts + 1] = text:sub(from, first - 1)
        from = last + 1
        first, last = text:find(secret, from, true)
    end
    parts[#parts + 1] = text:sub(from)
    return table.concat(parts, MASK)
end

--- Masks every occurrence of the given secrets in a text.
-- @param secrets an array of strings; nil for none
function redact.text(text, secrets)
    for _, secret in ipairs(secrets or {}) do
        if #secret >= 4 then text = replace_plain(text, secret) end
    end
    return text
end

-- The end of a JSON string whose first character stands at `from`; past the text if it is cut.
local function string_end(text, from)
    local at = from
    while at <= #text do
        local byte = text:sub(at, at)
        if byte == '"' then return at - 1 end
        at = at + (byte == "\\" and 2 or 1)
    end
    return #text
end

local function mask_member(text, name)
    local from = 1
    while true do
        local _, open = text:find('"' .. name .. '"%s*:%s*"', from)
        if not open then return text end
        text = text:sub(1, open) .. MASK .. text:sub(string_end(text, open + 1) + 1)
        from = open + #MASK + 1
    end
end

--- Masks the secret fields in JSON text that may be cut or broken, and the given secrets.
function redact.json_text(text, secrets)
    text = redact.text(text, secrets)
    for name in pairs(SECRET_FIELDS) do text = mask_member(text, name) end
    return text
end

--- Copies a value with every secret masked.
function redact.value(value, secrets)
    if type(value) == "string" then return redact.text(value, secrets) end
    if type(value) ~= "table" then return value end
    local copy = {}
    for key, member in pairs(value) do
        if SECRET_FIELDS[key] and (type(member) == "string" or type(member) == "number") then
            copy[key] = MASK
        else
            copy[redact.value(key, secrets)] = redact.value(member, secrets)
        end
    end
    return copy
end

return redact
