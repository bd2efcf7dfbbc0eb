--- Feishu and Lark: the same service behind two hosts. Authentication first, then the rate
-- limit, then the parameters, as the real gateways do it.
local answers = require "cloudcal.sandbox.answers"
local bindings = require "cloudcal.sandbox.bindings"
local endpoints = require "cloudcal.endpoints"
local json = require "cloudcal.json"
local oauth = require "cloudcal.sandbox.oauth"
local schema = require "cloudcal.schema"
local text = require "cloudcal.sandbox.text"

local platform = {}

local TENANT_TOKEN = "auth.v3.tenant_access_token.internal"

local function new_user(world, name)
    return {
        name = name,
        open_id = "ou_" .. world:hex(32),
        union_id = "on_" .. world:hex(32),
        user_id = world:hex(8),
        calendar = world:hex(32),
    }
end

local function add_token(place, token, kind, user)
    place.tokens[token] = { kind = kind, user = user, app_id = place.app_id }
    return token
end

local holders = {
    user_access_token = "admin", member_access_token = "member",
    no_calendar_access_token = "newcomer", tenant_access_token = "bot",
}

local function first_credentials(world, place, given)
    local credentials = {
        app_id = place.app_id, app_secret = place.app_secret, open_id = place.admin.open_id,
    }
    for name, holder in pairs(holders) do
        local kind = holder == "bot" and "tenant" or "user"
        local token = given[name] or kind:sub(1, 1) .. "-" .. world:word(32)
        credentials[name] = add_token(place, token, kind, place[holder])
    end
    return credentials
end

--- The state of one of the two services. `given` may hold its credentials.
function platform.new(world, service, given)
    local place = {
        service = service,
        domain = service == "lark" and "larksuite.com" or "feishu.cn",
        app_id = given.app_id or "cli_" .. world:hex(16),
        app_secret = given.app_secret or world:word(32),
        tenant_key = world:hex(16),
        admin = new_user(world, "管理员"), member = new_user(world, "成员"),
        newcomer = new_user(world, "新成员"), bot = new_user(world, "机器人"),
        tokens = {}, bindings = {}, codes = {}, refresh_tokens = {},
        counts = { accounts = 0, bindings_created = 0, tenant_tokens = 0, user_tokens = 0 },
    }
    place.admin.administrator = true
    place.newcomer.calendar, place.bot.user_id = nil, nil
    place.credentials = first_credentials(world, place, given)
    return place
end

local function count(t)
    local n = 0
    for _ in pairs(t) do n = n + 1 end
    return n
end

--- What has been made so far.
function platform.counts(place)
    local counts = { bindings = count(place.bindings), users = 3, calendars = 3 }
    for name, value in pairs(place.counts) do counts[name] = value end
    return counts
end

-- Routes ------------------------------------------------------------------------------

local function segments(path)
    local list = {}
    for part in path:gmatch("/([^/]*)") do list[#list + 1] = part end
    return list
end

local routes = {}
for _, endpoint in ipairs(endpoints.all) do
    for _, service in ipairs(endpoint.services) do
        routes[service] = routes[service] or {}
        table.insert(routes[service], { endpoint = endpoint, parts = segments(endpoint.path) })
    end
end

local function match(parts, actual)
    if #parts ~= #actual then return nil end
    local variables = {}
    for i, part in ipairs(parts) do
        if part:sub(1, 1) == ":" then
            variables[part:sub(2)] = text.unescape(actual[i])
        elseif part ~= actual[i] then
            return nil
        end
    end
    return variables
end

local function find_route(service, method, path)
    local actual = segments(path)
    for _, route in ipairs(routes[service] or {}) do
        local variables = route.endpoint.method == method and match(route.parts, actual)
        if variables then return route.endpoint, variables end
    end
end

-- Authentication ----------------------------------------------------------------------

local kind_codes = { tenant = 99991663, user = 99991668 }

local function kind_by_shape(token)
    if token:find("^t%-") then return "tenant" end
    if token:find("^u%-") or token:find("^eyJ") then return "user" end
end

local function unknown_token(token)
    return { code = kind_codes[kind_by_shape(token)] or 99991671 }
end

local function expired(entry)
    return { code = entry.kind == "user" and 99991677 or 99991663 }
end

local function accepts(endpoint, kind)
    for _, accepted in ipairs(endpoint.tokens) do
        if accepted == kind then return true end
    end
end

local function authenticate(call)
    local token = (call.request.headers.authorization or ""):match("^[Bb]earer +(%S+)$")
    if not token then return { code = 99991661 } end
    local entry = call.place.tokens[token]
    if not entry then return unknown_token(token) end
    if entry.expires and call.now >= entry.expires then return expired(entry) end
    if not accepts(call.endpoint, entry.kind) then
        return { code = kind_codes[entry.kind], msg = entry.kind .. " access token not support" }
    end
    call.caller = entry
end

-- Rate limit --------------------------------------------------------------------------

local function admit(call, operation)
    local place = call.place
    local key = table.concat({ place.service, operation, place.app_id, place.tenant_key }, "\n")
    local free, limit, wait = call.world.limits:take(key, call.now)
    if free then return nil end
    return {
        code = 99991400,
        headers = {
            { "x-ogw-ratelimit-limit", tostring(limit) },
            { "x-ogw-ratelimit-reset", ("%.0f"):format(math.max(1, math.ceil(wait))) },
        },
    }
end

-- Parameters --------------------------------------------------------------------------

local function invalid(message)
    return { code = 190002, violations = { { field = "body", description = message } } }
end

local function read_body(call)
    local body = call.request.body or ""
    if not (call.endpoint.request or {}).body or body == "" then return {} end
    if not body:find("^%s*{") then return nil, "the body must be a JSON object" end
    local object, reason = json.decode(body)
    if type(object) ~= "table" then return nil, "the body is no JSON: " .. tostring(reason) end
    return object
end

-- The real services ignore what they do not know; the client's own check does not.
local function known(fields, values)
    local picked = {}
    for _, field in ipairs(fields or {}) do picked[field.name] = values[field.name] end
    return picked
end

local function read_parameters(call)
    local request = call.endpoint.request or {}
    local query = text.form(call.request.query or "")
    local body, reason = read_body(call)
    if not query then return { code = 190002 } end
    if not body then return invalid(reason) end
    call.path, call.query = known(request.path, call.variables), known(request.query, query)
    call.body = known(request.body, body)
end

local function check_parameters(call)
    local sections = {}
    for section in pairs(call.endpoint.request or {}) do sections[section] = call[section] end
    local ok, problem = schema.check(call.endpoint, sections)
    if ok then return nil end
    local section, field = problem.field:match("^(%a+)%.(.+)$")
    local description = problem.message:gsub("^" .. section .. "%.", "")
    return {
        code = 99992402, http = 400,
        violations = { { field = field, description = description } },
    }
end

local function refused_combination(call)
    for _, rule in ipairs(call.endpoint.refuse or {}) do
        local section, name = rule.field:match("^(%a+)%.(.+)$")
        if call.caller.kind == rule.identity and call[section][name] == rule.value then
            return {
                code = 190002,
                violations = { { field = name, description = rule.message } },
            }
        end
    end
end

-- What the endpoints do ---------------------------------------------------------------

local handlers = {}

handlers["calendar.v4.setting.generate_caldav_conf"] = function(call)
    local counts = call.place.counts
    counts.accounts = counts.accounts + 1
    return {
        password = call.world:word(9),
        user_name = "u_" .. call.world:word(8):lower(),
        server_address = "caldav.sandbox.invalid",
        device_name = call.body.device_name or "",
    }
end

local function calendar_of(call)
    local place, owner = call.place, call.caller.user
    return {
        calendar_id = ("%s_%s@group.calendar.%s"):format(
            place.domain, owner.calendar, place.domain),
        summary = owner.name, description = "使用开放接口创建日历", permissions = "private",
        color = -1, type = "primary", summary_alias = "日历备注名", is_deleted = false,
        is_third_party = false, role = "owner",
    }
end

handlers["calendar.v4.calendar.primary"] = function(call)
    local owner = call.caller.user
    local calendars = text.array {}
    if owner.calendar then
        local id_type = call.query.user_id_type or "open_id"
        calendars[1] = { calendar = calendar_of(call), user_id = owner[id_type] }
    end
    return { calendars = calendars }
end

for name, handler in pairs(bindings) do
    handlers["calendar.v4.exchange_binding." .. name] = handler
end

local function serve(call)
    local refusal = authenticate(call) or admit(call, call.endpoint.operation)
        or read_parameters(call) or check_parameters(call) or refused_combination(call)
    if refusal then return answers.refusal(call, refusal) end
    local data, reason = handlers[call.endpoint.operation](call)
    if not data then return answers.refusal(call, reason) end
    return answers.success(call, data)
end

-- Tenant token ------------------------------------------------------------------------

local KEEP = 1800 -- the same token comes back while this many seconds of it remain

local function tenant_token(call)
    local world, place = call.world, call.place
    local current = place.tokens[place.tenant_token]
    if not current or current.expires - call.now < KEEP then
        place.tenant_token = add_token(place, "t-" .. world:word(32), "tenant", place.bot)
        current = place.tokens[place.tenant_token]
        current.expires = call.now + world.token_seconds
        place.counts.tenant_tokens = place.counts.tenant_tokens + 1
    end
    return place.tenant_token, math.floor(current.expires - call.now)
end

local function token_refusal(call, refusal)
    local row = answers.row(refusal.code) or {}
    return answers.json(call, refusal.http or row.http or 200, {
        code = refusal.code, msg = refusal.msg or row.msg or "refused by the sandbox",
    }, refusal.headers)
end

local function serve_tenant_token(call)
    local body = read_body(call) or {}
    local place = call.place
    if body.app_id ~= place.app_id then return token_refusal(call, { code = 10003 }) end
    if body.app_secret ~= place.app_secret then return token_refusal(call, { code = 10015 }) end
    local token, expire = tenant_token(call)
    return answers.json(call, 200, {
        code = 0, msg = "ok", tenant_access_token = token, expire = expire,
    })
end

-- The door ----------------------------------------------------------------------------

local function log_id(world, now)
    return os.date("!%Y%m%d%H%M%S", math.floor(now)) .. world:hex(20):upper()
end

--- Fill in what every answer of this service needs.
function platform.prepare(call)
    call.log_id = log_id(call.world, call.now)
    call.endpoint, call.variables = find_route(
        call.service, call.request.method, call.request.path)
end

local function is_tenant_token(call)
    return call.endpoint and call.endpoint.operation == TENANT_TOKEN
end

--- Refuse a request with { code, msg, http, headers }, in the shape of its endpoint.
function platform.refuse(call, refusal)
    local oauth_path = oauth[call.request.method .. " " .. call.request.path]
    if oauth_path then return answers.oauth_refusal(call, refusal) end
    if is_tenant_token(call) then return token_refusal(call, refusal) end
    return answers.refusal(call, refusal)
end

local function serve_oauth(call, handler)
    local refusal = admit(call, call.request.path)
    if refusal then return answers.refusal(call, refusal) end
    return handler(call)
end

--- Answer one request.
function platform.answer(call)
    local handler = oauth[call.request.method .. " " .. call.request.path]
    if handler then return serve_oauth(call, handler) end
    if not call.endpoint then return answers.not_found(call) end
    if is_tenant_token(call) then return serve_tenant_token(call) end
    return serve(call)
end

return platform
