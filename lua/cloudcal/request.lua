--- From a checked request to what the core sends.

local core = require "cloudcal.core"
local options = require "cloudcal.options"
local schema = require "cloudcal.schema"
local version = require "cloudcal.version"

local request = {}

-- Those that cloudcal or libcurl set, and those that decide where a message begins and ends.
local RESERVED = {}
for name in ([[authorization host content-length content-type transfer-encoding connection
    expect te trailer upgrade user-agent accept-encoding proxy-authorization keep-alive
    proxy-connection x-request-id request-id]]):gmatch("%S+") do
    RESERVED[name] = true
end

local problem = schema.problem

local function sorted_names(values)
    local names = {}
    for name in next, values do names[#names + 1] = name end
    table.sort(names)
    return names
end

local function check_header(name, value)
    local field = "headers." .. schema.text_of(name)
    if type(name) ~= "string" or not name:match("^[%w!#$%%&'*+.^_`|~-]+$") then
        return problem("invalid_header", field, "is not a header name")
    end
    if RESERVED[name:lower()] then
        return problem("invalid_header", field, "is set by cloudcal itself")
    end
    if type(value) ~= "string" or not core.is_line(value) or not core.utf8_length(value) then
        return problem("invalid_header", field, "must be one line of text")
    end
end

--- Turns a table of headers into lines.
-- @return an array; or nil and a problem
function request.header_lines(headers)
    local lines = {}
    for name, value in next, headers do
        local found = check_header(name, value)
        if found then return nil, found end
        -- libcurl takes "Name;" for a header without a value, "Name:" for one to leave out
        lines[#lines + 1] = value:match("%S") and name .. ": " .. value or name .. ";"
    end
    table.sort(lines)
    return lines
end

local function query_text(value)
    if type(value) == "number" and value % 1 == 0 then return ("%.0f"):format(value) end
    return tostring(value)
end

local function add_member(members, name, value)
    members[#members + 1] = core.escape(name) .. "=" .. core.escape(query_text(value))
end

local function add_list(members, name, list)
    local i = 1
    while rawget(list, i) ~= nil do
        add_member(members, name, rawget(list, i))
        i = i + 1
    end
end

--- Builds a query string, names sorted, a list as its name repeated; "" if there is nothing to
-- say.
function request.query(values)
    local members = {}
    for _, name in ipairs(sorted_names(values)) do
        local value = rawget(values, name)
        local add = type(value) == "table" and add_list or add_member
        add(members, name, value)
    end
    return #members > 0 and "?" .. table.concat(members, "&") or ""
end

--- Builds the address of a request.
-- @param query a table; nil for none
function request.url(base_url, path, query)
    if not query or next(query) == nil then return base_url .. path end
    return base_url .. path .. request.query(query)
end

request.FORM = "application/x-www-form-urlencoded"

--- User and password as the Authorization header has them: what must not be shown.
function request.basic(credentials)
    return (core.base64url(credentials):gsub("[-_]", { ["-"] = "+", ["_"] = "/" }))
end

--- Builds the body of a form.
function request.form(values)
    return request.query(values):sub(2)
end

--- Fills the :names in an endpoint's path.
-- @return the path; or nil and a problem
function request.path(endpoint, values)
    local wrong
    local path = endpoint.path:gsub(":([%a_]+)", function(name)
        local value = values[name]
        -- a dot segment would be another path, however it is escaped
        if value == "." or value == ".." then
            wrong = problem("invalid_path", "path." .. name, "cannot be " .. value)
        end
        return core.escape(value)
    end)
    if wrong then return nil, wrong end
    return path
end

--- Tells whether sending the request twice does no harm.
function request.is_repeatable(endpoint, values)
    local rule = endpoint.repeatable
    if type(rule) ~= "table" then return rule == true end
    return schema.lookup(values, rule.present) ~= nil and schema.lookup(values, rule.absent) == nil
end

local function is_given(values, path)
    local value = schema.lookup(values, path)
    return value ~= nil and value ~= ""
end

--- Holds a request against one of its endpoint's variants (create, update).
-- @return nil if it fits; else a problem
function request.variant_problem(endpoint, name, values)
    local variant = endpoint.variants[name]
    if variant.absent and is_given(values, variant.absent) then
        return problem("unwanted_field", variant.absent, "does not go with " .. name)
    end
    if variant.present and not is_given(values, variant.present) then
        return problem("missing_field", variant.present, "is required by " .. name)
    end
end

--- Holds a request against what its endpoint refuses to an identity.
function request.refusal(endpoint, identity, values)
    if not endpoint.refuse then return nil end
    for _, rule in ipairs(endpoint.refuse) do
        if rule.identity == identity and schema.lookup(values, rule.field) == rule.value then
            return problem("not_for_tenants", rule.field, "is refused: " .. rule.message)
        end
    end
end

--- What the core needs, beside URL, method, body and token, that is the same for all calls of a
-- client.
function request.transport(client)
    local defaults = options.defaults
    local agent = "cloudcal/" .. version
    return {
        id = core.engine():new_transport(),
        user_agent = client.user_agent and client.user_agent .. " " .. agent or agent,
        ca_file = client.ca_file, ca_pem = client.ca_pem,
        proxy = client.proxy, no_proxy = client.no_proxy,
        plain_http = client.allow_plain_http == true,
        connect_timeout = client.connect_timeout or defaults.connect_timeout,
        max_response_bytes = client.max_response_bytes or defaults.max_response_bytes,
        max_connections = client.max_connections or defaults.max_connections,
        http2 = client.http_version == "2",
    }
end

return request
