--- Keeps calls within what the services allow, on our side of the line.

local clock = require "cloudcal.clock"
local identity = require "cloudcal.identity"
local stores = require "cloudcal.stores"
local sweep = require "cloudcal.sweep"
local wait = require "cloudcal.wait"

local limiter = {}

local MAX_WAIT, MAX_WAIT_IN_NGINX = 60, 5 -- seconds

-- The service counts arrivals; a call may be on its way a little longer than the one before.
local SLACK = 1.01

local LONGEST_HOLD = 60 -- seconds; no window of the services is longer
local LOOK_AGAIN = 0.02 -- seconds between two looks at a call that is late
local NOTHING = 0.0005 -- seconds; who waits less has not waited

local function rates_of(call)
    local given = call.client.rate_limit
    if given == false or call.endpoint.internal then return nil end
    local own = call.endpoint.rate_limit
    if type(given) ~= "table" or stores.is_store(given) then return own end
    own = own or {}
    return {
        per_second = given.per_second or own.per_second,
        per_minute = given.per_minute or own.per_minute, max_wait = given.max_wait,
    }
end

local function store_of(call)
    local given = call.client.rate_limit
    if stores.is_store(given) then return given, 1 end
    return stores.default(), wait.worker_count()
end

local function add(limits, count, seconds, share)
    if not count then return end
    local own = math.max(1, math.floor(count / share))
    limits[#limits + 1] = { count = own, seconds = seconds * SLACK }
end

local function limits_of(rates, share)
    local limits = {}
    add(limits, rates.per_second, 1, share)
    add(limits, rates.per_minute, 60, share)
    return limits
end

local function key_of(call)
    return table.concat({
        "rate", call.base_url, call.endpoint.raw and "raw" or call.operation,
        call.client.app_id or "", identity.tenant_key(call) or "",
    }, "\n")
end

local function longest_wait(rates)
    return rates.max_wait or (wait.is_nginx() and MAX_WAIT_IN_NGINX or MAX_WAIT)
end

local function new_plan(call)
    local rates = rates_of(call)
    if not rates then return false end
    local store, share = store_of(call)
    return {
        store = store, key = key_of(call), limits = limits_of(rates, share),
        most = longest_wait(rates), workers = wait.worker_count(),
    }
end

-- What a client's calls of one operation have in common is found once; call.plans holds it. A
-- client of nginx's master may have found it before there were workers.
local function plan_of(call)
    local plans, endpoint = call.plans, call.endpoint
    if not plans or call.options.tenant_key then return new_plan(call) end
    local name = endpoint.raw and "raw" or endpoint.operation
    local plan = plans[name]
    if plan == nil or plan and plan.workers ~= wait.worker_count() then
        plan = new_plan(call)
        plans[name] = plan
    end
    return plan
end

-- Until when the service wants no calls of a key: somebody else uses up what it allows.
local held_until = sweep.new(function(till, now) return till <= now end)

local function seconds_held(plan)
    return (held_until.values[plan.key] or 0) - clock.now()
end

local function refusal(plan, seconds)
    return { name = "own_rate_limit", stage = "rate_limit", retry_after = seconds, acted = "no",
        message = ("the next call is allowed in %.1f s; max_wait is %g s")
            :format(seconds, plan.most) }
end

-- Others may learn meanwhile that the pause is longer.
local function wait_while_held(plan, deadline)
    local seconds = seconds_held(plan)
    while seconds > 0 do
        if seconds > deadline - clock.now() then return refusal(plan, seconds) end
        if not wait.sleep(seconds) then return nil end
        seconds = seconds_held(plan)
    end
end

-- The calls before may have been later than their slots.
local function wait_for(call, plan, seconds, deadline)
    while seconds > 0 and wait.sleep(math.min(seconds, deadline - clock.now())) do
        local left = call.slot and plan.store:check(plan.key, plan.limits, call.slot) or 0
        if left > 0 and clock.now() >= deadline then return refusal(plan, left) end
        seconds = math.min(left, LOOK_AGAIN)
    end
end

local function wait_for_slot(call, plan, most, deadline)
    local seconds, number = plan.store:reserve(plan.key, plan.limits, most)
    if not seconds then return refusal(plan, number) end
    call.plan, call.slot = plan, number
    if seconds > 0 then return wait_for(call, plan, seconds, deadline) end
end

local function wait_for_turn(call, plan, deadline)
    if not held_until.values[plan.key] then
        return wait_for_slot(call, plan, plan.most, deadline)
    end
    return wait_while_held(plan, deadline)
        or wait_for_slot(call, plan, math.max(0, deadline - clock.now()), deadline)
end

--- Waits until the next attempt of a call is allowed, for max_wait in all. The time is added to
-- the call's deadline and to meta.waited.
-- @return nil, and whether it waited; or the fields of an error
function limiter.acquire(call)
    local plan = plan_of(call)
    if not plan then return nil end
    local started = clock.now()
    local refused = wait_for_turn(call, plan, started + plan.most)
    if refused then limiter.settle(call) end -- nobody waits for a slot that is not used
    local waited = clock.now() - started
    if waited < NOTHING then return refused, false end
    call.meta.waited = call.meta.waited + waited
    call.deadline = call.deadline + waited
    return refused, true
end

--- Notes that the service refused a call for being one too many, and when it takes the next.
-- @param seconds as the service named them; nil where it names none
function limiter.hold(call, seconds)
    local plan = plan_of(call)
    if not plan or not seconds then return end
    local till = clock.now() + math.min(seconds, LONGEST_HOLD)
    held_until:put(plan.key, math.max(held_until.values[plan.key] or 0, till))
end

-- The shortest time between a request and its answer, by service, and of how many. Some of it
-- lies before the moment at which the service counts and the rest behind it, for each call the
-- same.
local quickest = {}

local ENOUGH = 20 -- answers; the first ones may all be slow, as many connections begin at once

-- What can be taken off the time of an answer.
local function least_of(base_url, took)
    local known = quickest[base_url] or { least = math.huge, count = 0 }
    quickest[base_url] = known
    known.least, known.count = math.min(known.least, took), known.count + 1
    return known.count > ENOUGH and known.least or 0
end

--- Notes that an attempt has ended: the service has counted it by now, and earlier by as much
-- as an answer takes at the least. A slow connection thus does not make two calls look further
-- apart than they were.
-- @param took seconds between the request and its answer; nil where none came
function limiter.settle(call, took)
    local slot, plan = call.slot, call.plan
    if not slot then return end
    call.slot = nil
    local least = took and least_of(call.base_url, took) or 0
    plan.store:settle(plan.key, plan.limits, slot, clock.now() - least)
end

return limiter
