--- Whether a call is sent again, and when: a pure function, so that it can be tested in bulk.

local retry = {}

local FIRST_PAUSE = 0.5 -- seconds; the upper bound of the first pause

-- A service that is broken shall not get more to do: retries are paid from a budget, which each
-- success fills by one.
local COST, COST_OF_TIMEOUT = 5, 10

--- What the budget of a service holds at most, and at first.
retry.BUDGET = 500

--- The budgets that are not full, by base_url.
retry.budgets = {}

--- The budget after a success.
function retry.earn(budget)
    return math.min(retry.BUDGET, budget + 1)
end

local function backoff(situation)
    local bound = FIRST_PAUSE * 2 ^ (situation.attempt - 1)
    return situation.random * math.min(situation.max_delay, bound)
end

local function pause(situation, seconds, reason)
    if seconds >= situation.remaining then return nil, "the deadline is too near" end
    return seconds, reason
end

-- A time that the service names is a floor, whatever went wrong.
local function later(err, situation, reason)
    local named = err.retry_after
    if not named then return pause(situation, backoff(situation), reason) end
    if named > situation.max_delay then return nil, "the service asks for a longer pause" end
    return pause(situation, named, reason .. "; the service named the time")
end

local function paid(err, situation, reason)
    local cost = err.kind == "timeout" and COST_OF_TIMEOUT or COST
    if situation.budget < cost then return nil, "the retry budget of the service is used up", 0 end
    local seconds, why = later(err, situation, reason)
    return seconds, why, seconds and cost or 0
end

local function at_once(err, situation, reason)
    if err.acted ~= "no" then return nil, "the service may have acted" end
    return pause(situation, 0, reason)
end

--- Decides.
-- @param err the error of the last attempt
-- @param situation attempt (how many there were), max_attempts, max_delay and remaining
-- (seconds), random (in [0, 1)), token_refused, can_renew (there is another token to be had and
-- none was fetched for this call yet), clock_corrected (the signature can be made anew), budget
-- @return seconds to wait before the next attempt, and why; or nil, and why not; and what is
-- taken from the budget, if anything
function retry.decide(err, situation)
    if situation.attempt >= situation.max_attempts then return nil, "no attempts left" end
    if situation.token_refused then
        if situation.can_renew then return at_once(err, situation, "the token was refused") end
        return nil, "no other token to be had"
    end
    if situation.clock_corrected then return at_once(err, situation, "the clock was off") end
    if not err.retryable then return nil, "not safe, or not of use, to repeat" end
    return paid(err, situation, "it may pass: " .. err.kind)
end

return retry
