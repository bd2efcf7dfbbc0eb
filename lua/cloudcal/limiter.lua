--- Keeps calls within what the services allow, on our side of the line.

local clock = require "cloudcal.clock"
local stores = require "cloudcal.stores"
local wait = require "cloudcal.wait"

local limiter = {}

local MAX_WAIT, MAX_WAIT_IN_NGINX = 60, 5 -- seconds

-- The service counts arrivals; a call may be on its way a little longer than the one before.
local SLACK = 1.01

local function rates_of(call)
    local given = call.client.rate_limit
    if given == false or call.endpoint.internal then return nil end
    if type(given) == "table" and not stores.is_store(given) then return given end
    return call.endpoint.rate_limit
end

local function store_of(call)
    local given = call.client.rate_limit
    if stores.is_store(given) then return given, 1 end
    return stores.default(), wait.worker_count()
end

local function add(limits, count, seconds, share)
    if not count then return end
    limits[#limits + 1] = { count = math.max(1, math.floor(count / share)), seconds = seconds * SLACK }
end

local function limits_of(rates, share)
    local limits = {}
    add(limits, rates.per_second, 1, share)
    add(limits, rates.per_minute, 60, share)
    return limits
end

local function key_of(call)
    local client, options = call.client, call.options
    return table.concat({
        "rate", call.base_url, call.operation, client.app_id or "",
        options.tenant_key or client.tenant_key or "",
    }, "\n")
end

local function longest_wait(rates)
    return rates.max_wait or (wait.worker_count() > 1 and MAX_WAIT_IN_NGINX or MAX_WAIT)
end

--- Waits until the next attempt of a call is allowed. The time is added to the call's deadline
-- and to meta.waited.
-- @return nil; or the fields of an error
function limiter.acquire(call)
    local rates = rates_of(call)
    if not rates then return nil end
    local store, share = store_of(call)
    local most = longest_wait(rates)
    local seconds, needed = store:reserve(key_of(call), limits_of(rates, share), most)
    if not seconds then
        return { kind = "rate_limited", name = "own_rate_limit", stage = "rate_limit",
            retry_after = needed, acted = "no",
            message = ("the next call is allowed in %.1f s; max_wait is %g s"):format(needed, most) }
    end
    if seconds <= 0 then return nil end
    local started = clock.now()
    wait.sleep(seconds)
    local waited = clock.now() - started
    call.meta.waited = call.meta.waited + waited
    call.deadline = call.deadline + waited
end

return limiter
