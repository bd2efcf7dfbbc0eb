--- Keeps secrets out of everything that people read: by the name of a field, and by value.

local redact = {}

local find = string.find

local MASK = "***"

local SHORTEST = 4 -- bytes; a shorter secret would be found everywhere

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
        or (type(name) == "string" and name:find("access_token$") ~= nil)
end

-- Between two pieces of a secret: one of the characters that JSON escapes, however often it was
-- escaped on the way ("/" can come back as "\\/" or "\\u005c/").
local ESCAPED = '[\\/"u%x]-'

local MOST_PIECES = 50 -- a pattern cannot have many more

local function escape_pattern(text)
    return (text:gsub("%W", "%%%0"))
end

-- A pattern for a secret that JSON may have changed; nil if it cannot have.
local function pattern_of(secret)
    if not secret:find('[\\/"]') then return nil end
    local pieces = {}
    for piece in secret:gmatch('[^\\/"]+') do pieces[#pieces + 1] = escape_pattern(piece) end
    if #pieces > MOST_PIECES or #pieces == 0 then return nil end
    return table.concat(pieces, ESCAPED)
end

local function replace(text, wanted, plain)
    local first, last = text:find(wanted, 1, plain)
    if not first then return text end
    local parts, from = {}, 1
    while first do
        parts[#parts + 1] = text:sub(from, first - 1)
        from = last + 1
        first, last = text:find(wanted, from, plain)
    end
    parts[#parts + 1] = text:sub(from)
    return table.concat(parts, MASK)
end

local function mask_secret(text, secret)
    text = replace(text, secret, true)
    local pattern = pattern_of(secret)
    return pattern and replace(text, pattern, false) or text
end

local function holds(text, secret)
    if #secret < SHORTEST then return false end
    if find(text, secret, 1, true) then return true end
    if not find(text, "\\", 1, true) and not find(secret, "\\", 1, true) then
        return false -- no escape came to it, and none was taken away
    end
    local pattern = pattern_of(secret)
    return pattern ~= nil and find(text, pattern) ~= nil
end

local function holds_any(text, secrets)
    for i = 1, #secrets do
        if holds(text, secrets[i]) then return true end
    end
    return false
end

local function by_length(a, b) return #a > #b end

-- A short secret inside a long one must not leave the rest of the long one.
local function longest_first(secrets)
    local sorted = {}
    for i, secret in ipairs(secrets) do sorted[i] = secret end
    table.sort(sorted, by_length)
    return sorted
end

--- Adds a secret, if there is one, to those that a call must not show.
function redact.hide(secrets, secret)
    for i = 1, #secrets do
        if secrets[i] == secret then return end
    end
    secrets[#secrets + 1] = secret
end

--- Adds the credentials in the address of a proxy, and the password by itself.
function redact.hide_proxy(secrets, proxy)
    local credentials = proxy and proxy:match("//(.*)@")
    redact.hide(secrets, credentials)
    redact.hide(secrets, credentials and credentials:match(":(.+)$"))
end

--- Masks every occurrence of the given secrets in a text.
-- @param secrets an array of strings; nil for none
function redact.text(text, secrets)
    if not secrets or not holds_any(text, secrets) then return text end
    for _, secret in ipairs(longest_first(secrets)) do
        if #secret >= SHORTEST then text = mask_secret(text, secret) end
    end
    return text
end

-- Where the JSON string whose first character stands at `from` has its closing quote; nil if it
-- is cut.
local function closing_quote(text, from)
    local at = text:find('["\\]', from)
    while at and text:sub(at, at) == "\\" do at = text:find('["\\]', at + 2) end
    return at
end

local function mask_member(text, name)
    local parts, from, wanted = {}, 1, '"' .. name .. '"%s*:%s*"'
    local _, open = text:find(wanted)
    if not open then return text end
    while open do
        parts[#parts + 1] = text:sub(from, open)
        from = closing_quote(text, open + 1) or #text + 1
        _, open = text:find(wanted, from)
    end
    parts[#parts + 1] = text:sub(from)
    return table.concat(parts, MASK)
end

local function mask_number(text, name)
    return (text:gsub('("' .. name .. '"%s*:%s*)%-?%d[%d.eE+-]*', '%1"' .. MASK .. '"'))
end

--- Masks the secret fields in JSON text that may be cut or broken, and the given secrets.
function redact.json_text(text, secrets)
    text = redact.text(text, secrets)
    for name in pairs(SECRET_FIELDS) do text = mask_number(mask_member(text, name), name) end
    text = mask_member(text, "[%w_]+access_token")
    return text
end

local WINDOW = 16 -- times the length wanted: what is masked before it is cut

local function longest(secrets)
    local most = 0
    for _, secret in ipairs(secrets or {}) do most = math.max(most, #secret) end
    return most
end

--- The beginning of a text of any length, masked: never the half of a secret.
-- @param most bytes
function redact.excerpt(text, secrets, most)
    local window = text:sub(1, WINDOW * most)
    local masked = redact.json_text(window, secrets)
    local whole = #window == #text and #masked or math.max(0, #masked - longest(secrets))
    return masked:sub(1, math.min(most, whole))
end

local copy_of

local function masked(key, member, secrets, is_hidden)
    is_hidden = is_hidden or redact.is_secret(key)
    if type(member) == "table" then return copy_of(member, secrets, is_hidden) end
    if is_hidden and (type(member) == "string" or type(member) == "number") then return MASK end
    return redact.value(member, secrets)
end

-- What stands in a secret field is masked at any depth.
function copy_of(value, secrets, is_hidden)
    local copy = {}
    for key, member in pairs(value) do
        copy[redact.value(key, secrets)] = masked(key, member, secrets, is_hidden)
    end
    return copy
end

--- Copies a value with every secret masked.
function redact.value(value, secrets)
    if type(value) == "string" then return redact.text(value, secrets) end
    if type(value) ~= "table" then return value end
    return copy_of(value, secrets, false)
end

return redact
