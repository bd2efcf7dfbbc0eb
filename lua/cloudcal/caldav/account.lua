--- A CalDAV account as generate_caldav_conf returns it, held against what one can do with it.

local core = require "cloudcal.core"
local options = require "cloudcal.options"
local url = require "cloudcal.caldav.url"

local account = {}

local function problem(field, message)
    return nil, { name = "invalid_account", stage = "check", field = "account." .. field,
                  message = ("account.%s %s"):format(field, message) }
end

local function text_problem(value)
    if type(value) ~= "string" then return "must be text, not " .. type(value) end
    if value == "" then return "is empty" end
    if not core.utf8_length(value) then return "is not UTF-8" end
end

local function is_bare_ipv6(text)
    return text:find("^[%x:]+$") ~= nil and select(2, text:gsub(":", "")) > 1
end

local function with_scheme(text)
    if text:find("^%a+://") then return text end
    return "https://" .. (is_bare_ipv6(text) and "[" .. text .. "]" or text)
end

--- Reads the server's address: a host, with or without a port, a path, or a scheme.
-- @param given allow_plain_http, as in the options of a client
-- @return the parts of its URL; or nil and the fields of an error
function account.server(given_account, given)
    local address = given_account.server_address
    local wrong = text_problem(address)
    if wrong then return problem("server_address", wrong) end
    local text = with_scheme(address)
    wrong = options.url_problem(text, given or {})
    if wrong then return problem("server_address", wrong) end
    return url.parse(text)
end

-- What XML cannot hold, however it is written.
local function is_in_xml(value)
    return not value:find("[%z\1-\8\11\12\14-\31]") and not value:find("\239\191[\190\191]")
end

--- Reads user name and password for a document.
-- @return true; or nil and the fields of an error
function account.check_for_xml(given_account)
    for _, name in ipairs { "user_name", "password" } do
        local wrong = text_problem(given_account[name])
            or not is_in_xml(given_account[name]) and "holds a character that XML does not"
        if wrong then return problem(name, wrong) end
    end
    return true
end

--- Joins user name and password as HTTP wants them.
-- @return "user:password"; or nil and the fields of an error
function account.credentials(given_account)
    for _, name in ipairs { "user_name", "password" } do
        local value = given_account[name]
        local wrong = text_problem(value)
            or not core.is_line(value) and "holds a control character"
        if wrong then return problem(name, wrong) end
    end
    if given_account.user_name:find(":", 1, true) then
        return problem("user_name", "holds a colon, which HTTP cannot send")
    end
    return given_account.user_name .. ":" .. given_account.password
end

return account
