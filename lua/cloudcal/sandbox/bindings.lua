--- Exchange bindings: made at once, synchronised little by little.
local text = require "cloudcal.sandbox.text"

local bindings = {}

-- Accounts and users whose names ask for a refusal, so that every branch can be tried.
local refusals = {
    { "admin_account", "unknown", 195106 },
    { "admin_account", "other-tenant", 195104 },
    { "admin_account", "refused", 195105 },
    { "user_id", "dismissed", 195100 },
}

local function asked_refusal(body)
    for _, row in ipairs(refusals) do
        if (body[row[1]] or ""):find(row[2], 1, true) then return { code = row[3] } end
    end
end

local function missing(body)
    for _, name in ipairs { "admin_account", "exchange_account" } do
        if not body[name] then
            return { code = 190002, violations = { { field = name, description = "required" } } }
        end
    end
end

-- Always with a "=" at its end, and often with a "/": a client that does not
-- percent-encode the path finds out here.
local function binding_id(body)
    local plain = body.admin_account .. " " .. body.exchange_account
    if #plain % 3 == 0 then plain = plain .. " " end
    return text.base64(plain)
end

local steps = { "doing", "cal_done", "timespan_done" }

local function status(call, binding)
    local seconds = call.world.sync_seconds
    local elapsed = call.now - binding.created
    local fails = binding.exchange_account:find("sync-error", 1, true)
    if elapsed >= seconds then return fails and "err" or "done" end
    local step = math.floor(elapsed / seconds * #steps) + 1
    if fails and step == #steps then return "err" end
    return steps[math.max(step, 1)]
end

local function owner_of(place, id_type, id)
    for _, name in ipairs { "admin", "member", "newcomer" } do
        if place[name][id_type] == id then return place[name] end
    end
end

-- A user of the sandbox is shown by the kind of id that this call asks for; any other id
-- is shown as it came.
local function shown_user(call, binding)
    local id_type = call.query.user_id_type or "open_id"
    return binding.owner and binding.owner[id_type] or binding.user_id
end

local function shown(call, binding)
    return {
        admin_account = binding.admin_account,
        exchange_account = binding.exchange_account,
        user_id = shown_user(call, binding),
        status = status(call, binding),
        exchange_binding_id = binding.id,
    }
end

local function add(call, id, owner)
    local place, body = call.place, call.body
    local binding = {
        id = id, created = call.now, admin_account = body.admin_account,
        exchange_account = body.exchange_account, user_id = body.user_id, owner = owner,
    }
    place.bindings[id] = binding
    place.counts.bindings_created = place.counts.bindings_created + 1
    return binding
end

local function owner_asked(call)
    if not call.body.user_id then return call.caller.user end
    return owner_of(call.place, call.query.user_id_type or "open_id", call.body.user_id)
end

local bound_elsewhere = {
    code = 190002,
    violations = { { field = "exchange_account",
                     description = "bound to another user; delete that binding first" } },
}

local function create(call)
    local refusal = asked_refusal(call.body) or missing(call.body)
    if refusal then return nil, refusal end
    local id, owner = binding_id(call.body), owner_asked(call)
    local binding = call.place.bindings[id] or add(call, id, owner)
    if binding.owner ~= owner or not owner and binding.user_id ~= call.body.user_id then
        return nil, bound_elsewhere
    end
    return shown(call, binding)
end

local function find(call)
    local binding = call.place.bindings[call.path.exchange_binding_id]
    if binding then return binding end
    return nil, { code = 195103 }
end

local function get(call)
    local binding, refusal = find(call)
    if not binding then return nil, refusal end
    return shown(call, binding)
end

local function delete(call)
    local binding, refusal = find(call)
    if not binding then return nil, refusal end
    call.place.bindings[binding.id] = nil
    return {}
end

for name, handler in pairs { create = create, get = get, delete = delete } do
    bindings[name] = function(call)
        if not call.caller.user.administrator then return nil, { code = 195101 } end
        return handler(call)
    end
end

return bindings
