--- The options of clients and of calls: one row each, read by the constructors and by `with`.

local core = require "cloudcal.core"
local log = require "cloudcal.log"
local schema = require "cloudcal.schema"
local stores = require "cloudcal.stores"

local options = {}

-- {======================================================
-- Checks: nil if the value is fine, else what is wrong with it
-- =======================================================}

local function a(wanted)
    return function(value)
        local kind = type(value)
        if kind ~= wanted then return ("must be a %s, not a %s"):format(wanted, kind) end
    end
end

local a_string, a_boolean, a_function = a "string", a "boolean", a "function"

local function either(first, second)
    return function(value)
        return first(value) and second(value) and first(value)
    end
end

local function a_line(value)
    local wrong = a_string(value)
    if wrong then return wrong end
    if value == "" or not core.is_line(value) or not core.utf8_length(value) then
        return "must be one line of text"
    end
end

local function a_word(value)
    local wrong = a_string(value)
    if wrong then return wrong end
    if value == "" or not core.is_visible(value) then
        return "must be one word of ASCII, without spaces"
    end
end

local function one_of(...)
    local allowed = { ... }
    local text = "must be one of " .. table.concat(allowed, ", ")
    return function(value)
        for _, one in ipairs(allowed) do
            if value == one then return nil end
        end
        return text
    end
end

local function a_number_between(least, most)
    return function(value)
        if type(value) ~= "number" then return "must be a number, not a " .. type(value) end
        if not (value >= least and value <= most) then
            return ("must be between %g and %g"):format(least, most)
        end
    end
end

local function a_whole_number_between(least, most)
    local check = a_number_between(least, most)
    return function(value)
        return check(value) or (value % 1 ~= 0 and "must be a whole number" or nil)
    end
end

-- {======================================================
-- URLs
-- =======================================================}

local function is_dotted_quad(host)
    local parts = { host:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$") }
    if #parts ~= 4 then return false end
    for _, part in ipairs(parts) do
        if tonumber(part) > 255 or (#part > 1 and part:sub(1, 1) == "0") then return false end
    end
    return true
end

-- A last label that begins with a digit is an address to libcurl, in octal, hex or short form
-- too: only the plain form says what it means.
local function is_name(host)
    if #host > 253 or host:find("..", 1, true) then return false end
    for label in host:gmatch("[^.]+") do
        if #label > 63 or not label:match("^[%w_][%w_-]*$") or label:match("%-$") then
            return false
        end
    end
    local last = host:match("[^.]*$")
    return host:match("^[%w_]") and last ~= "" and not last:match("^%d")
end

local function is_host(host)
    return is_dotted_quad(host) or is_name(host) or host:match("^%[[%x:]+%]$") ~= nil
end

local function is_loopback(host)
    return (is_dotted_quad(host) and host:match("^127%.") ~= nil)
        or host == "[::1]" or host:lower() == "localhost"
end

local function is_port(port)
    if port == "" then return true end
    local number = tonumber(port:match("^:(%d+)$"))
    return number ~= nil and #port <= 6 and number >= 1 and number <= 65535
end

local function has_dot_segment(path)
    for segment in path:gmatch("[^/]+") do
        local plain = segment:gsub("%%2[eE]", ".")
        if plain == "." or plain == ".." then return true end
    end
    return false
end

--- Checks the path of a URL: absolute, visible ASCII, nothing that changes its meaning.
function options.is_path(path)
    return core.is_visible(path) and path:match("^/") and not path:match("^//")
        and not path:find("[?#\\]") and not has_dot_segment(path)
end

local function split_url(url)
    local scheme, authority, path = url:match("^(%a+)://([^/]+)(.*)$")
    if not scheme then return nil end
    local host, port = authority:match("^(%[[^%]]*%])(.*)$")
    if not host then host, port = authority:match("^([^:]*)(.*)$") end
    return scheme:lower(), host, port, path
end

local function a_service_url(value, all)
    local wrong = a_word(value)
    if wrong then return wrong end
    if #value > 2048 or value:find("[\\?#@]") then
        return "must be scheme, host, port and path: no user, query, fragment or backslash"
    end
    local scheme, host, port, path = split_url(value)
    if not scheme or not is_host(host) or not is_port(port) then
        return "must name a host, as in https://host:port/path"
    end
    if path ~= "" and not options.is_path(path) then return "has a path that is not plain" end
    if scheme == "http" and not (all.allow_plain_http and is_loopback(host)) then
        return "must use https; http is for a loopback address, with allow_plain_http = true"
    end
    if (scheme ~= "https" and scheme ~= "http") or not core.is_url(value) then
        return "must use https"
    end
end

--- Tells what is wrong with the URL of a server; nil if nothing is.
-- @param all the options: allow_plain_http
options.url_problem = a_service_url

--- Parts a URL of a server: scheme, host, ":port" or "", path or "".
options.split_url = split_url

local function a_proxy(value)
    local wrong = a_word(value)
    if wrong or value == "env" then return wrong end
    if not value:match("^https?://[^/]") and not value:match("^socks5h://[^/]") then
        return 'must be "env", or begin with http://, https:// or socks5h://'
    end
    -- libcurl reads URLs of the schemes that it fetches from, and socks5h is none of them
    if not core.is_url((value:gsub("^socks5h", "http"))) then return "is not a URL" end
end

-- {======================================================
-- Tables as values
-- =======================================================}

local RETRY = {
    max_attempts = a_whole_number_between(1, 100),
    max_delay = a_number_between(0, 3600),
}

local function members_problem(value, rows)
    for key, member in pairs(value) do
        local check = rows[key]
        if not check then return "has an unknown member " .. schema.text_of(key) end
        local wrong = check(member)
        if wrong then return ("has a %s that %s"):format(key, wrong) end
    end
end

local function a_retry(value)
    if value == false then return nil end
    if type(value) ~= "table" then return "must be false or a table, not a " .. type(value) end
    return members_problem(value, RETRY)
end

local RATE_LIMIT = {
    per_second = a_number_between(1, 1e6), per_minute = a_number_between(1, 1e9),
    max_wait = a_number_between(0, 86400),
}

local function a_rate_limit(value)
    if value == false then return nil end
    if type(value) ~= "table" then
        return "must be false, a table or a store, not a " .. type(value)
    end
    if stores.is_store(value) then
        return not value.reserve and "is a store that cannot count calls" or nil
    end
    return members_problem(value, RATE_LIMIT)
end

local function a_store(value)
    if value ~= false and not stores.is_store(value) then
        return "must be false or one of cloudcal.stores, not a " .. type(value)
    end
end

local function a_log_level(value)
    if not log.levels[value] then return "must be one of debug, info, warn, error" end
end

-- =======================================================}

local LONGEST = 86400 * 7 -- seconds

local common = {
    base_url = a_service_url,
    allow_plain_http = a_boolean,
    ca_file = a_line,
    ca_pem = a_string,
    proxy = a_proxy,
    no_proxy = a_line,
    timeout = a_number_between(0.001, LONGEST),
    connect_timeout = a_number_between(0.001, LONGEST),
    max_response_bytes = a_whole_number_between(1, 2 ^ 31),
    max_connections = a_whole_number_between(1, 10000),
    http_version = one_of("1.1", "2"),
    retry = a_retry,
    rate_limit = a_rate_limit,
    store = a_store,
    logger = a_function,
    log_level = a_log_level,
    language = one_of("en", "zh"),
    user_agent = a_line,
}

local function with_rows(rows, more)
    local set = {}
    for name, check in pairs(rows) do set[name] = check end
    for name, check in pairs(more) do set[name] = check end
    return set
end

options.platform = with_rows(common, {
    accounts_url = a_service_url,
    app_id = a_word,
    app_secret = either(a_word, a_function),
    app_type = one_of("custom", "store", "isv"),
    user_access_token = either(a_string, a_function),
    tenant_access_token = either(a_string, a_function),
    identity = one_of("user", "tenant"),
})

options.youkong = with_rows(common, {
    environment = one_of("sandbox", "production"),
    client_key = a_word,
    secret = a_word,
    signer = a_function,
    timestamp_as = one_of("number", "string"),
    content_type = one_of("json", "form"),
})

--- Options that `with` takes beside those of the constructor.
options.view = { user = a_line, tenant_key = a_word }

--- Options of one call.
options.call = {
    timeout = common.timeout,
    headers = a "table",
    retry = a_retry,
    raw = a_boolean,
}

--- Options of one call where there are identities.
options.platform_call = with_rows(options.call, {
    identity = one_of("user", "tenant"),
    token = a_string,
    user = options.view.user,
    tenant_key = options.view.tenant_key,
})

local login_call = {
    user = options.view.user, tenant_key = options.view.tenant_key, timeout = common.timeout,
}

options.exchange_code = with_rows(login_call, {
    code = a_string, redirect_uri = a_string, code_verifier = a_string,
})

options.login = with_rows(login_call, { scope = a_string, on_prompt = a_function })

options.authorization_url = {
    redirect_uri = a_string, scope = a_string, state = a_string, code_verifier = a_string,
    prompt = a_string,
}

--- Options of cloudcal.caldav.check.
options.caldav_check = {}
for name in ([[allow_plain_http ca_file ca_pem connect_timeout language log_level logger
    max_response_bytes no_proxy proxy retry timeout user_agent]]):gmatch("%S+") do
    options.caldav_check[name] = common[name]
end

-- U+FFFE and U+FFFF are UTF-8, and not for XML.
local function a_line_for_xml(value)
    return a_line(value)
        or (value:find("\239\191[\190\191]") and "holds a character that XML does not" or nil)
end

--- Options of cloudcal.caldav.profile and write_profile.
options.caldav_profile = {
    name = a_line_for_xml, organization = a_line_for_xml, description = a_line_for_xml,
    identifier = a_word, principal = a_service_url, language = common.language,
}

options.redis = {
    connect = a_function, prefix = a_string, processes = a_whole_number_between(1, 1e6),
}

options.defaults = {
    timeout = 30, connect_timeout = 10,
    max_response_bytes = 8 * 1024 * 1024, max_connections = 32,
    max_attempts = 3, max_delay = 20,
}

-- Of wait_exchange_binding, in seconds.
options.sync_defaults = { max_wait = 600, interval = 2 }

--- A member of the retry options.
-- @param chosen those of a call or a client: a table, false, or nil
function options.retry_policy(chosen, name)
    if chosen == false then return name == "max_attempts" and 1 or 0 end
    return chosen and chosen[name] or options.defaults[name]
end

local function names_of(set)
    local names = {}
    for name in pairs(set) do names[#names + 1] = name end
    table.sort(names)
    return names
end

-- What the constructors and the official SDKs call it.
local OTHER_NAMES = {
    user_access_token = { "token" }, tenant_access_token = { "token" },
    params = { "path", "query", "body" }, data = { "body" },
}

local function by_other_name(name, set)
    local found = {}
    for _, one in ipairs(OTHER_NAMES[name] or {}) do
        if set[one] then found[#found + 1] = one end
    end
    return #found > 0 and table.concat(found, "' or '")
end

local function unknown(name, set)
    local near = by_other_name(name, set)
        or type(name) == "string" and schema.nearest(name, names_of(set))
    return near and ("unknown option '%s'; did you mean '%s'?"):format(name, near)
        or ("unknown option '%s'"):format(schema.text_of(name))
end

--- Checks a table of options against rows such as options.platform.
-- @return nil if all is well; else a message that names the option
function options.problem(given, set)
    for name, value in next, given do
        local check = set[name]
        if not check then return unknown(name, set) end
        local wrong = check(value, given)
        if wrong then return ("option '%s' %s"):format(name, wrong) end
    end
end

return options
