--- What the clients of all services have in common: the constructor, views, the mirror of the
-- endpoints, raw calls, and the plumbing of the wrappers.

local client = require "cloudcal.client"
local core = require "cloudcal.core"
local endpoints = require "cloudcal.endpoints"
local json = require "cloudcal.json"
local options = require "cloudcal.options"
local request = require "cloudcal.request"
local schema = require "cloudcal.schema"

local base = {}

-- What a client knows, kept out of its table so that no walk over it finds a secret.
local states = setmetatable({}, { __mode = "k" })

--- The state of a client; raises at the caller of the method if `self` is none.
function base.state_of(self)
    local state = states[self]
    if not state then error("call it with a colon: client:name(...)", 3) end
    return state
end

-- {======================================================
-- Arguments
-- =======================================================}

local function copy(given)
    local result = {}
    for key, value in next, given do result[key] = value end
    return result
end

local function field_names(endpoint, section)
    local names = {}
    for _, field in ipairs(endpoint.request[section] or {}) do names[field.name] = true end
    return names
end

local function anything() end

local NOTHING = {} -- the options of a call that has none; nobody writes into it

-- Parts a table into what `wanted` names and the call options.
local function part(service, given, wanted)
    local found, rest, rows = {}, {}, copy(service.call_options)
    for key in pairs(wanted) do rows[key] = anything end
    local problem = options.problem(given, rows)
    if problem then return nil, problem end
    for key, value in next, given do
        if wanted[key] then found[key] = value else rest[key] = value end
    end
    return found, rest
end

--- Parts the `opts` of a wrapper into query parameters and call options.
-- @param more names beside them that the wrapper takes; they are returned with the query
-- @return the query, the call options, both to be read only; or nil and a message
function base.part_options(state, endpoint, opts, more)
    if opts == nil then return NOTHING, NOTHING end
    if type(opts) ~= "table" then return nil, "opts must be a table, not a " .. type(opts) end
    local wanted = field_names(endpoint, "query")
    for name in pairs(more or {}) do wanted[name] = true end
    return part(state.service, opts, wanted)
end

--- Checks that an argument has a Lua type; raises at the caller of the method.
function base.expect(value, wanted, name)
    if type(value) ~= wanted then
        error(("%s must be a %s, not a %s"):format(name, wanted, type(value)), 3)
    end
end

-- {======================================================
-- The mirror: tables shaped as the request and response bodies
-- =======================================================}

-- @param at the table that the call stands in, which a colon would hand over
local function mirror_call(state, endpoint, at)
    return function(given)
        if given == nil then given = {} end
        if rawequal(given, at) then
            error("call it with a dot: " .. endpoint.operation .. "(...)", 2)
        end
        if type(given) ~= "table" then
            error("the request must be a table, not a " .. type(given), 2)
        end
        local sections, call_options = part(state.service, given, endpoint.request)
        if not sections then error(call_options, 2) end
        return client.call(state, endpoint, sections, call_options)
    end
end

local function add_to_mirror(mirror, state, endpoint)
    local at = mirror
    for name in endpoint.operation:gmatch("([^.]+)%.") do
        at[name] = at[name] or {}
        at = at[name]
    end
    at[endpoint.operation:match("[^.]+$")] = mirror_call(state, endpoint, at)
end

local function is_offered(endpoint, name)
    for _, service in ipairs(endpoint.services) do
        if service == name and not endpoint.internal then return true end
    end
    return false
end

local function new_mirror(state)
    local mirror = {}
    for _, endpoint in ipairs(endpoints.all) do
        if is_offered(endpoint, state.name) then add_to_mirror(mirror, state, endpoint) end
    end
    return mirror
end

-- {======================================================
-- Raw calls
-- =======================================================}

local METHODS = { GET = true, POST = true, PUT = true, PATCH = true, DELETE = true }

local RAW = { method = true, path = true, query = true, body = true, user_code = true,
              repeatable = true }

local function raw_shape_problem(given)
    if not METHODS[given.method] then return "method must be GET, POST, PUT, PATCH or DELETE" end
    if type(given.path) ~= "string" then return "path must be a string" end
    if given.query ~= nil and type(given.query) ~= "table" then return "query must be a table" end
    if given.repeatable ~= nil and type(given.repeatable) ~= "boolean" then
        return "repeatable must be a boolean"
    end
    if given.user_code ~= nil and type(given.user_code) ~= "string" then
        return "user_code must be a string"
    end
    local kind = type(given.body)
    if kind ~= "nil" and kind ~= "table" and kind ~= "string" then
        return "body must be a table or a string of JSON"
    end
end

local function is_text(value)
    return type(value) == "string" and core.utf8_length(value) ~= nil
end

local function is_scalar(value)
    return is_text(value) or type(value) == "boolean"
        or (type(value) == "number" and value % 1 == 0 and math.abs(value) <= 2 ^ 53)
end

-- A list repeats its name in the query.
local function is_query_value(value)
    if type(value) ~= "table" then return is_scalar(value) end
    local count = 0
    for _, one in next, value do
        if not is_scalar(one) then return false end
        count = count + 1
    end
    for i = 1, count do
        if rawget(value, i) == nil then return false end
    end
    return true
end

local function query_problem(query)
    for name, value in next, query do
        if not is_text(name) or not is_query_value(value) then
            local field = "query." .. schema.text_of(name)
            return { name = "wrong_type", field = field,
                message = field .. " must be text, a whole number or a boolean" }
        end
    end
end

local function raw_problem(given)
    if not options.is_path(given.path) then
        return { name = "invalid_path", field = "path", message = "path is not a plain path" }
    end
    if given.body ~= nil and given.method == "GET" then
        return { name = "unwanted_field", field = "body", message = "body does not go with GET" }
    end
    if type(given.body) == "string" and json.decode(given.body) == nil then
        return { name = "not_sendable", field = "body", message = "body is not JSON" }
    end
    return query_problem(given.query or {})
end

local UNKNOWN = {} -- the members of an answer that no table describes

local function raw_endpoint(state, given)
    local template = state.service.raw
    return {
        raw = true, operation = given.method .. " " .. given.path,
        method = given.method, path = given.path,
        content_type = given.body ~= nil and template.content_type or nil,
        tokens = template.tokens, response = UNKNOWN,
        repeatable = given.method == "GET" or given.repeatable == true,
    }
end

local methods = {}

--- Calls any endpoint of the service, with the same token, retry and error handling.
-- @param given method, path, query (a table), body (a table or a string of JSON), repeatable;
-- user_code for Youkong; and the call options
-- @return body, nil, meta; or nil, err, meta
function methods:request(given)
    local state = base.state_of(self)
    base.expect(given, "table", "the request")
    local raw, call_options = part(state.service, given, RAW)
    if not raw then error(call_options, 2) end
    raw.method = raw.method or state.service.raw.method
    local wrong = raw_shape_problem(raw)
    if wrong then error(wrong, 2) end
    local endpoint = raw_endpoint(state, raw)
    local found = raw_problem(raw) or state.service.raw_problem and state.service.raw_problem(raw)
    return client.call(state, endpoint, raw, call_options, nil, found)
end

-- {======================================================
-- Clients
-- =======================================================}

local function without_slash(url)
    return (url:gsub("/+$", ""))
end

local function describe(self)
    local state = states[self]
    return ("cloudcal.%s (%s)"):format(state.name, state.base_url)
end

local function new_client(service, name, given, is_view)
    local base_url = without_slash(given.base_url or service.base_url(name, given))
    local accounts_url = given.accounts_url or given.base_url
        or service.accounts_url and service.accounts_url(name) or base_url
    local state = {
        name = name, service = service, options = given, base_url = base_url,
        accounts_url = without_slash(accounts_url),
        transport = request.transport(given),
        plans = {}, -- see limiter.lua
    }
    local self = setmetatable({}, service.metatable)
    states[self] = state
    if service.on_new then service.on_new(state, is_view) end
    return self
end

local function problem_of(service, given, rows)
    if given.ca_file and given.ca_pem then
        return "option 'ca_file' does not go with 'ca_pem': give one of them"
    end
    return options.problem(given, rows) or service.options_problem(given)
end

local function view_rows(service)
    local rows = copy(service.options)
    for name, check in pairs(options.view) do rows[name] = check end
    return rows
end

--- A view of the client with other options; connections, tokens and limits stay shared.
-- @param changes any options of the constructor, and tenant_key, user
-- @return the client
function methods:with(changes)
    local state = base.state_of(self)
    base.expect(changes, "table", "the options")
    local given = copy(state.options)
    if changes.ca_file or changes.ca_pem then given.ca_file, given.ca_pem = nil, nil end
    for name, value in pairs(changes) do given[name] = value end
    local problem = problem_of(state.service, given, view_rows(state.service))
    if problem then error(problem, 2) end
    return new_client(state.service, state.name, given, true)
end

--- Loads the CA store and opens a connection: for loading screens and the start of a program.
-- @return true, nil, meta; or nil, err, meta
function methods:warm_up()
    return client.warm_up(base.state_of(self))
end

local function metatable_for(service)
    local own = setmetatable(service.methods, { __index = methods })
    return {
        __name = "cloudcal.client",
        __metatable = "cloudcal.client",
        __tostring = describe,
        __index = function(self, key)
            local method = own[key]
            if method or not service.roots[key] then return method end
            local mirror = new_mirror(states[self])
            for root, names in pairs(mirror) do rawset(self, root, names) end
            return rawget(self, key)
        end,
    }
end

--- Makes the constructor of a service.
-- @param service its description: options, call_options, options_problem, base_url, methods,
-- roots (the first names of its mirror), raw, verdict, compose, body_prefix; and where it has
-- them on_new, raw_problem, correct_clock
function base.constructor(service, name)
    service.metatable = service.metatable or metatable_for(service)
    --- Makes a client. Does no I/O; connections, tokens and limits belong to the Lua state.
    -- @param given options by name
    -- @return the client; a wrong option raises at the caller's line, and names itself
    return function(given)
        if type(given) ~= "table" then
            error("the options must be a table, not a " .. type(given), 2)
        end
        given = copy(given)
        local problem = problem_of(service, given, service.options)
        if problem then error(problem, 2) end
        return new_client(service, name, given)
    end
end

base.call = client.call
base.act = client.act
base.error = client.error

return base
