--- The tokens of apps: tenant tokens of custom apps; tickets, app tokens and tenant tokens of
-- store apps. The sandbox's app is both. Handlers by operation.
local answers = require "cloudcal.sandbox.answers"
local json = require "cloudcal.json"
local ledger = require "cloudcal.sandbox.ledger"
local people = require "cloudcal.sandbox.people"

-- What the endpoint knows of the body, or nothing when it is no JSON object of strings.
local function read_body(call)
    local body = call.request.body or ""
    local object = body:find("^%s*{") and json.decode(body)
    local fields = {}
    for _, field in ipairs(call.endpoint.request.body) do
        local value = type(object) == "table" and object[field.name]
        fields[field.name] = type(value) == "string" and value or nil
    end
    return fields
end

local function refuse(call, code) return answers.token_refusal(call, { code = code }) end

local function success(call, fields)
    fields.code, fields.msg = 0, "ok"
    return answers.json(call, 200, fields)
end

local function credentials_problem(call, body)
    if body.app_id ~= call.place.app_id then return 10003 end
    if body.app_secret ~= call.place.app_secret then return 10015 end
end

local function tenant_token(call, tenant_key)
    local token, expire = ledger.current(call, "tenant", tenant_key, {
        user = people.bot(call.world, call.place, tenant_key), tenant_key = tenant_key,
    })
    return success(call, { tenant_access_token = token, expire = expire })
end

local handlers = {}

handlers["auth.v3.tenant_access_token.internal"] = function(call)
    local problem = credentials_problem(call, read_body(call))
    if problem then return refuse(call, problem) end
    return tenant_token(call, call.place.tenant_key)
end

handlers["auth.v3.app_access_token.create"] = function(call)
    local body = read_body(call)
    local problem = credentials_problem(call, body)
    if problem then return refuse(call, problem) end
    if not body.app_ticket then return refuse(call, 10003) end
    if body.app_ticket ~= call.place.app_ticket then return refuse(call, 10012) end
    local token, expire = ledger.current(call, "app", call.place.app_id, {})
    return success(call, { app_access_token = token, expire = expire })
end

-- The app is installed in the place's own tenant and in all whose key begins with "tenant".
local function installed(place, tenant_key)
    return tenant_key == place.tenant_key or tenant_key:find("^tenant") ~= nil
end

handlers["auth.v3.tenant_access_token.create"] = function(call)
    local body = read_body(call)
    if not body.app_access_token or not body.tenant_key then return refuse(call, 10003) end
    local entry = call.place.tokens[body.app_access_token]
    if not entry or entry.kind ~= "app" or ledger.refusal(entry, call.now) then
        return refuse(call, ledger.codes.app)
    end
    if not installed(call.place, body.tenant_key) then return refuse(call, 10013) end
    return tenant_token(call, body.tenant_key)
end

-- The real platform pushes the ticket to the app's event address; here the control door shows it.
handlers["auth.v3.app_ticket.resend"] = function(call)
    local problem = credentials_problem(call, read_body(call))
    if problem then return refuse(call, problem) end
    ledger.new_ticket(call.world, call.place)
    return success(call, {})
end

return handlers
