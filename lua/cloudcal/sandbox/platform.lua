--- Feishu and Lark: the same service behind two hosts. Authentication first, then the rate
-- limit, then the parameters, as the real gateways do it.
local answers = require "cloudcal.sandbox.answers"
local app_tokens = require "cloudcal.sandbox.app_tokens"
local authorize = require "cloudcal.sandbox.authorize"
local bindings = require "cloudcal.sandbox.bindings"
local device = require "cloudcal.sandbox.device"
local endpoints = require "cloudcal.endpoints"
local json = require "cloudcal.json"
local examples = require "cloudcal.sandbox.examples"
local ledger = require "cloudcal.sandbox.ledger"
local oauth = require "cloudcal.sandbox.oauth"
local people = require "cloudcal.sandbox.people"
local schema = require "cloudcal.schema"
local text = require "cloudcal.sandbox.text"

local platform = {}

local holders = {
    user_access_token = "admin", member_access_token = "member",
    no_calendar_access_token = "newcomer", tenant_access_token = "bot",
}

local function first_credentials(world, place, given)
    local credentials = { open_id = place.admin.open_id }
    for _, name in ipairs { "app_id", "app_secret", "app_ticket", "tenant_key" } do
        credentials[name] = place[name]
    end
    for name, holder in pairs(holders) do
        local kind = holder == "bot" and "tenant" or "user"
        local token = given[name] or kind:sub(1, 1) .. "-" .. world:word(32)
        credentials[name] = ledger.add(place, token, {
            kind = kind, user = place[holder], seeded = true,
        })
    end
    return credentials
end

local function new_counts()
    return {
        accounts = 0, bindings_created = 0, tenant_tokens = 0, app_tokens = 0, user_tokens = 0,
        refreshes = 0, refresh_attempts = 0, device_authorizations = 0, tickets = 0,
    }
end

--- The state of one of the two services. `given` may hold its credentials.
function platform.new(world, service, given)
    local place = {
        service = service,
        domain = service == "lark" and "larksuite.com" or "feishu.cn",
        app_id = given.app_id or "cli_" .. world:hex(16),
        app_secret = given.app_secret or world:word(32),
        tenant_key = given.tenant_key or world:hex(16),
        admin = people.new(world, "管理员"), member = people.new(world, "成员"),
        newcomer = people.new(world, "新成员"), bots = {},
        tokens = {}, current = {}, bindings = {}, codes = {}, refresh_tokens = {},
        devices = {}, user_codes = {}, counts = new_counts(),
    }
    place.admin.administrator = true
    place.newcomer.calendar, place.bot = nil, people.bot(world, place, place.tenant_key)
    ledger.new_ticket(world, place)
    place.app_ticket = given.app_ticket or place.app_ticket
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

local function add_route(endpoint)
    for _, service in ipairs(endpoint.services) do
        routes[service] = routes[service] or {}
        table.insert(routes[service], { endpoint = endpoint, parts = segments(endpoint.path) })
    end
end

for _, endpoint in ipairs(endpoints.all) do add_route(endpoint) end
add_route(device.page)

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

local function kind_by_shape(token)
    if token:find("^t%-") then return "tenant" end
    if token:find("^u%-") or token:find("^eyJ") then return "user" end
end

local function unknown_token(token)
    return { code = ledger.codes[kind_by_shape(token)] or 99991671 }
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
    local code = ledger.refusal(entry, call.now)
    if code then return { code = code } end
    if not accepts(call.endpoint, entry.kind) then
        return { code = ledger.codes[entry.kind], msg = entry.kind .. " access token not support" }
    end
    call.caller = entry
end

-- Rate limit --------------------------------------------------------------------------

local function admit(call, operation)
    local place = call.place
    local tenant_key = (call.caller or place).tenant_key
    local key = table.concat({ place.service, operation, place.app_id, tenant_key }, "\n")
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
    local counts, world = call.place.counts, call.world
    counts.accounts = counts.accounts + 1
    return {
        password = world.caldav_password or world:word(9),
        user_name = world.caldav_user_name or "u_" .. world:word(8):lower(),
        server_address = world.caldav_server,
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
    local data, reason = (handlers[call.endpoint.operation] or examples.data)(call)
    if not data then return answers.refusal(call, reason) end
    return answers.success(call, data)
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

-- What is answered in another way than the envelope's, by operation.
local doors = {}

local function add_doors(list, refuse)
    for operation, answer in pairs(list) do
        doors[operation] = { answer = answer, refuse = refuse }
    end
end

add_doors(app_tokens, answers.token_refusal)
add_doors(authorize, answers.oauth_refusal)
add_doors(device.handlers, answers.oauth_refusal)
add_doors(oauth.handlers, answers.oauth_refusal)

local function door_of(call) return call.endpoint and doors[call.endpoint.operation] end

--- Refuse a request with { code, msg, http, headers }, in the shape of its endpoint.
function platform.refuse(call, refusal)
    local door = door_of(call)
    return (door and door.refuse or answers.refusal)(call, refusal)
end

local function serve_door(call, door)
    local refusal = call.endpoint.rate_limit and admit(call, call.endpoint.operation)
    if refusal then return answers.refusal(call, refusal) end
    return door.answer(call)
end

--- Answer one request.
function platform.answer(call)
    if not call.endpoint then return answers.not_found(call) end
    local door = door_of(call)
    if door then return serve_door(call, door) end
    return serve(call)
end

--- Count a request that has come, whatever it will be answered.
function platform.notice(place, request)
    local endpoint = find_route(place.service, request.method, request.path)
    if endpoint then oauth.notice(place, endpoint, request) end
end

return platform
