--- An Apple configuration profile with a CalDAV account: text of a .mobileconfig file.

local account = require "cloudcal.caldav.account"
local core = require "cloudcal.core"
local url = require "cloudcal.caldav.url"

local profile = {}

-- {======================================================
-- Property lists
-- =======================================================}

local HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
    .. '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" '
    .. '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist version="1.0">\n'

local ESCAPES = {
    ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&apos;",
    ["\t"] = "&#9;", ["\n"] = "&#10;", ["\r"] = "&#13;",
}

--- Writes a text so that XML holds just this text.
function profile.escape(text)
    return (text:gsub("[&<>\"'\t\n\r]", ESCAPES))
end

local render

local function render_dict(value, indent)
    local names, lines, inner = {}, {}, indent .. "\t"
    for name in pairs(value) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
        lines[#lines + 1] = ("%s<key>%s</key>\n"):format(inner, profile.escape(name))
        lines[#lines + 1] = render(value[name], inner)
    end
    return ("%s<dict>\n%s%s</dict>\n"):format(indent, table.concat(lines), indent)
end

local function render_array(value, indent)
    local lines = {}
    for i, member in ipairs(value) do lines[i] = render(member, indent .. "\t") end
    return ("%s<array>\n%s%s</array>\n"):format(indent, table.concat(lines), indent)
end

function render(value, indent)
    local kind = type(value)
    if kind == "table" then return (value[1] and render_array or render_dict)(value, indent) end
    if kind == "boolean" then return ("%s<%s/>\n"):format(indent, tostring(value)) end
    if kind == "number" then return ("%s<integer>%d</integer>\n"):format(indent, value) end
    return ("%s<string>%s</string>\n"):format(indent, profile.escape(value))
end

-- =======================================================}

-- The same for the same text, for ever: a UUID of version 8 (RFC 9562), made by SHA-256.
local function uuid_of(text)
    local digits = core.sha256(text)
    local variant = ("89AB"):sub(tonumber(digits:sub(17, 17), 16) % 4 + 1):sub(1, 1)
    return ("%s-%s-8%s-%s%s-%s"):format(digits:sub(1, 8), digits:sub(9, 12), digits:sub(14, 16),
        variant, digits:sub(18, 20), digits:sub(21, 32)):upper()
end

-- Devices replace a profile by one with the same identifier, so it is made of server and user.
local function identifier_of(server, user)
    local key = ("%s\n%s"):format(url.origin(server), user)
    return "cloudcal.caldav." .. core.sha256(key):sub(1, 16)
end

local function principal_url(server, given)
    return given.principal or server.path ~= "/" and url.origin(server) .. server.path or nil
end

local function caldav_payload(given_account, server, identifier, name, given)
    return {
        PayloadType = "com.apple.caldav.account", PayloadVersion = 1,
        PayloadIdentifier = identifier .. ".account",
        PayloadUUID = uuid_of(identifier .. ".account"),
        PayloadDisplayName = name, PayloadOrganization = given.organization,
        CalDAVAccountDescription = name, CalDAVHostName = server.host, CalDAVPort = server.port,
        CalDAVUseSSL = true, CalDAVUsername = given_account.user_name,
        CalDAVPassword = given_account.password, CalDAVPrincipalURL = principal_url(server, given),
    }
end

--- Writes the profile.
-- @param given options.caldav_profile
-- @return text; or nil and the fields of an error
function profile.text(given_account, given)
    local server, found = account.server(given_account)
    if not server then return nil, found end
    local fine
    fine, found = account.check_for_xml(given_account)
    if not fine then return nil, found end
    local name = given.name or "CalDAV " .. server.host
    local identifier = given.identifier or identifier_of(server, given_account.user_name)
    return HEAD .. render({
        PayloadType = "Configuration", PayloadVersion = 1, PayloadIdentifier = identifier,
        PayloadUUID = uuid_of(identifier), PayloadDisplayName = name,
        PayloadDescription = given.description, PayloadOrganization = given.organization,
        PayloadRemovalDisallowed = false,
        PayloadContent = { caldav_payload(given_account, server, identifier, name, given) },
    }, "") .. "</plist>\n"
end

return profile
