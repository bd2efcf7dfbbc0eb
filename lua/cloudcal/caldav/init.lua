--- From the API to the phone: what to do with the account that generate_caldav_conf returns.
--
-- An account is that table: { server_address, user_name, password, … }. server_address is a host;
-- "host:port", "host/path", "[::1]:8443" and "https://…" are read, too.

local core = require "cloudcal.core"
local discovery = require "cloudcal.caldav.discovery"
local errors = require "cloudcal.errors"
local options = require "cloudcal.options"
local profile = require "cloudcal.caldav.profile"
local read = require "cloudcal.caldav.account"
local session = require "cloudcal.caldav.session"
local url = require "cloudcal.caldav.url"
local xml = require "cloudcal.caldav.xml"

local caldav = {}

local function expect_account(account)
    if type(account) ~= "table" then
        error("the account must be a table, not a " .. type(account), 3)
    end
end

-- A copy of the options; raises at the caller of the function if they are wrong.
local function read_options(given, rows)
    if given ~= nil and type(given) ~= "table" then
        error("the options must be a table, not a " .. type(given), 3)
    end
    local copy = {}
    for name, value in next, given or {} do copy[name] = value end
    local problem = options.problem(copy, rows)
    if copy.ca_file and copy.ca_pem then
        problem = "option 'ca_file' does not go with 'ca_pem': give one of them"
    end
    if problem then error(problem, 3) end
    return copy
end

local function fail(operation, fields, given, secret)
    return nil, errors.new(fields, { service_name = "caldav", operation = operation,
        language = given.language, secrets = type(secret) == "string" and { secret } or nil })
end

--- The address that apps such as DAVx5 and Thunderbird ask for.
-- @param account { server_address, … }, as generate_caldav_conf returns it
-- @return a URL, "https://host/"; or nil and an error
function caldav.address(account)
    expect_account(account)
    local server, found = read.server(account)
    if not server then return fail("address", found, {}, account.password) end
    return url.origin(server) .. server.path
end

--- Writes a configuration profile for iPhone, iPad and Mac. It holds the password: hand it to
-- nobody but the user. A profile for the same server and user replaces the one before.
-- @param account { server_address, user_name, password, … }
-- @param given name (of the account on the device), organization, description, identifier
-- (reverse DNS, such as "com.example.calendar"), principal (of check's result), language
-- @return the text of a .mobileconfig file; or nil and an error
function caldav.profile(account, given)
    expect_account(account)
    given = read_options(given, options.caldav_profile)
    local text, found = profile.text(account, given)
    if not text then return fail("profile", found, given, account.password) end
    return text
end

--- Writes a configuration profile into a file that only its user can read (mode 0600).
-- @param account { server_address, user_name, password, … }
-- @param path of the file, best with the ending .mobileconfig; a file there is replaced
-- @param given see profile
-- @return true; or nil and an error
function caldav.write_profile(account, path, given)
    expect_account(account)
    if type(path) ~= "string" or path == "" or path:find("%z") then
        error("path must be the name of a file", 2)
    end
    given = read_options(given, options.caldav_profile)
    local text, found = profile.text(account, given)
    if not text then return fail("write_profile", found, given, account.password) end
    local written, message = core.write_private(path, text)
    if written then return true end
    return fail("write_profile", { name = "file_not_written", message = message }, given,
        account.password)
end

--- Logs in to the CalDAV server, and lists the calendars that a device would show. The password
-- is sent to server_address only; a redirect to another server is an error. Needs lua-expat.
-- @param account { server_address, user_name, password, … }
-- @param given timeout (of all requests together), connect_timeout, ca_file or ca_pem, proxy,
-- no_proxy, retry, max_response_bytes (2 MiB), user_agent, logger, log_level, language, and
-- allow_plain_http for a server_address that begins with http:// and is a loopback address
-- @return { principal, home, calendars = { { href, name, components, color, ctag }, … } }, nil,
-- meta; or nil, err, meta. principal, home and href are URLs; components such as { "VEVENT" },
-- empty if the server does not tell; color and ctag as the server tells them
function caldav.check(account, given)
    expect_account(account)
    given = read_options(given, options.caldav_check)
    if not xml.library() then
        error("cloudcal.caldav.check needs lua-expat: apt-get install lua-expat, or luarocks "
            .. "install luaexpat", 2)
    end
    local visit, err = session.new(account, given)
    local result
    if not err then result, err = discovery.run(visit) end
    return result, err, visit:finish()
end

return caldav
