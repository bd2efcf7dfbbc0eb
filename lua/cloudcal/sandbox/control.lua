--- The control door under /_sandbox/: faults to come, requests that came, the world's state,
-- tokens to revoke.
local faults = require "cloudcal.sandbox.faults"
local json = require "cloudcal.json"
local text = require "cloudcal.sandbox.text"

local control = {}

local KEPT = 5000 -- requests that are remembered for each port
local SHOWN = 65536 -- bytes of a body that are remembered

local secret_fields = {
    "app_secret", "app_ticket", "app_access_token", "client_secret", "code", "code_verifier",
    "device_code", "refresh_token", "user_code", "Sign",
}

local function mask(body)
    for _, name in ipairs(secret_fields) do
        body = body:gsub('("' .. name .. '"%s*:%s*)"[^"]*"?', '%1"***"')
        body = ("&" .. body):gsub("(&" .. name .. "=)[^&]*", "%1***"):sub(2)
    end
    return body
end

-- "Bearer u-***": the kind of token, which says nothing of the token.
local function kind_of(authorization)
    local scheme, token = authorization:match("^(%S+)%s+(%S*)")
    if not scheme then return "***" end
    return scheme .. " " .. (token:match("^[uta]%-") or token:match("^eyJ") or "") .. "***"
end

local function readable(value)
    if json.encode { value } then return value end
    return (value:gsub("[\128-\255]", "?"))
end

local function shown_headers(headers)
    local shown = {}
    for name, value in pairs(headers) do shown[name] = readable(value) end
    if shown.authorization then shown.authorization = kind_of(shown.authorization) end
    return shown
end

--- Remember an API request; the entry gets its status or fault later.
function control.remember(door, request, connection)
    local entry = {
        method = request.method, path = request.path, query = mask(request.query),
        headers = shown_headers(request.headers),
        body = readable(mask(request.body:sub(1, SHOWN))), connection = connection,
    }
    if #door.requests >= KEPT then table.remove(door.requests, 1) end
    table.insert(door.requests, entry)
    return entry
end

local function reply(status, value)
    return {
        status = status, headers = { { "Content-Type", "application/json; charset=utf-8" } },
        body = text.json(value),
    }
end

local function problem(message) return reply(400, { error = message }) end

local function parse_faults(names)
    local parsed = {}
    for _, name in ipairs(names) do
        local fault, reason = faults.parse(name)
        if not fault then return nil, reason end
        for _ = 1, fault.count or 1 do parsed[#parsed + 1] = fault end
    end
    return parsed
end

-- A JSON array is for the next requests, an object for the next ones of its path.
local function names_and_path(body)
    local given = json.decode(body)
    if type(given) ~= "table" then return nil end
    if body:find("^%s*%[") then return given end
    local path = type(given.path) == "string" and given.path:find("^/") and given.path
    return path and type(given.names) == "table" and given.names or nil, path
end

local function queue_of(door, path)
    if not path then return door.queue end
    door.queues[path] = door.queues[path] or {}
    return door.queues[path]
end

local function queue_faults(door, request)
    local names, path = names_and_path(request.body)
    if not names then
        return problem 'send a JSON array of fault names, or {"path":"/…","names":[…]}'
    end
    local parsed, reason = parse_faults(names)
    if not parsed then return problem(reason) end
    local queue = queue_of(door, path)
    for _, fault in ipairs(parsed) do queue[#queue + 1] = fault end
    return reply(200, { queued = #parsed })
end

local function clear(...)
    local names = { ... }
    return function(door)
        for _, name in ipairs(names) do door[name] = {} end
        return reply(200, { cleared = true })
    end
end

local function show_requests(door) return reply(200, text.array(door.requests)) end

local function show_state(door)
    local counts = door.world:state(door.service)
    counts.connections = door.connections
    return reply(200, counts)
end

local function revoke(door, request)
    local given = request.body:find("^%s*{") and json.decode(request.body) or {}
    local count = door.world:revoke(door.service, given.kind, given.all == true)
    if not count then
        return problem "send {\"kind\":…}: user, tenant, app, refresh or ticket, at Feishu or Lark"
    end
    return reply(200, { revoked = count })
end

local function show_ticket(door)
    local ticket = door.world:ticket(door.service)
    if not ticket then return reply(404, { error = "this service has no ticket" }) end
    return reply(200, { app_ticket = ticket })
end

local function show_calendars(door)
    local calendars = door.world:calendars(door.service)
    if not calendars then return reply(404, { error = "this service keeps no calendars" }) end
    return reply(200, text.array(calendars))
end

local handlers = {
    ["POST /_sandbox/faults"] = queue_faults,
    ["DELETE /_sandbox/faults"] = clear("queue", "queues"),
    ["GET /_sandbox/requests"] = show_requests,
    ["DELETE /_sandbox/requests"] = clear "requests",
    ["GET /_sandbox/state"] = show_state,
    ["GET /_sandbox/calendars"] = show_calendars,
    ["POST /_sandbox/revoke"] = revoke,
    ["GET /_sandbox/ticket"] = show_ticket,
}

--- Whether a request is for the control door.
function control.owns(request) return request.path:find("^/_sandbox/") ~= nil end

--- Answer a control request.
function control.answer(door, request)
    local handler = handlers[request.method .. " " .. request.path]
    if not handler then return reply(404, { error = "no such control" }) end
    return handler(door, request)
end

return control
