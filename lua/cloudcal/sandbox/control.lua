--- The control door under /_sandbox/: faults to come, requests that came, the world's state.
local faults = require "cloudcal.sandbox.faults"
local json = require "cloudcal.json"
local text = require "cloudcal.sandbox.text"

local control = {}

local KEPT = 5000 -- requests that are remembered for each port
local SHOWN = 65536 -- bytes of a body that are remembered

local secret_fields = { "app_secret", "client_secret", "refresh_token", "code_verifier", "Sign" }

local function mask(body)
    for _, name in ipairs(secret_fields) do
        body = body:gsub('("' .. name .. '"%s*:%s*)"[^"]*"', '%1"***"')
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
        method = request.method, path = request.path, query = request.query,
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

local function queue_faults(door, request)
    local names = request.body:find("^%s*%[") and json.decode(request.body)
    if type(names) ~= "table" then return problem("send a JSON array of fault names") end
    local parsed = {}
    for i, name in ipairs(names) do
        local fault, reason = faults.parse(name)
        if not fault then return problem(reason) end
        parsed[i] = fault
    end
    for _, fault in ipairs(parsed) do
        for _ = 1, fault.count or 1 do table.insert(door.queue, fault) end
    end
    return reply(200, { queued = #parsed })
end

local function clear(name)
    return function(door)
        door[name] = {}
        return reply(200, { cleared = true })
    end
end

local function show_requests(door) return reply(200, text.array(door.requests)) end

local function show_state(door)
    local counts = door.world:state(door.service)
    counts.connections = door.connections
    return reply(200, counts)
end

local handlers = {
    ["POST /_sandbox/faults"] = queue_faults,
    ["DELETE /_sandbox/faults"] = clear "queue",
    ["GET /_sandbox/requests"] = show_requests,
    ["DELETE /_sandbox/requests"] = clear "requests",
    ["GET /_sandbox/state"] = show_state,
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
