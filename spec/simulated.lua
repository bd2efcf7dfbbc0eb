--- One call after another on a simulated clock: random failures, and whether each decision to send
-- again keeps the laws.

local errors = require "cloudcal.errors"
local retry = require "cloudcal.retry"

local function error_of(fields, repeatable)
    fields.message = "m"
    return errors.new(fields, { service_name = "feishu", operation = "x", repeatable = repeatable })
end

local KINDS = { "rate_limited", "service_error", "network", "timeout", "tls", "rejected",
                "bad_response", "unauthenticated", "not_found", "quota_exhausted", "too_large" }
local ACTED = { "no", "no", "maybe", "yes" }

local function random_failure(random)
    local fields = { kind = KINDS[random(#KINDS)], acted = ACTED[random(#ACTED)] }
    if random(3) == 1 then fields.retry_after = random(0, 400) / 10 end
    local refused = random(6) == 1
    if refused then fields.kind = "unauthenticated" end
    return fields, refused, not refused and random(12) == 1
end

local function check_pause(pause, err, now)
    assert(pause >= 0 and pause < now.deadline - now.time, "past the deadline")
    assert(now.attempt < now.max_attempts, "too many attempts")
    assert(err.acted == "no" or (err.acted == "maybe" and now.repeatable),
        "sent again after acting")
    if err.retry_after and not now.special then
        assert(pause >= err.retry_after, "before the named time")
        assert(pause <= now.max_delay, "longer than max_delay")
    else
        assert(pause <= math.min(now.max_delay, 0.5 * 2 ^ (now.attempt - 1)), "out of range")
    end
end

local function simulate(random)
    local now = { time = 0, deadline = random(1, 600) / 10, attempt = 0, renewals = 0,
                  max_attempts = random(1, 8), max_delay = random(0, 250) / 10,
                  repeatable = random(2) == 1, budget = random(0, 60) }
    repeat
        now.attempt = now.attempt + 1
        now.time = now.time + random(0, 300) / 100
        local fields, token_refused, clock_corrected = random_failure(random)
        local err = error_of(fields, now.repeatable)
        local pause, _, cost = retry.decide(err, {
            attempt = now.attempt, max_attempts = now.max_attempts, max_delay = now.max_delay,
            remaining = now.deadline - now.time, random = random(0, 2 ^ 20 - 1) / 2 ^ 20,
            token_refused = token_refused, can_renew = token_refused and now.renewals == 0,
            clock_corrected = clock_corrected, budget = now.budget,
        })
        now.budget = now.budget - (cost or 0)
        assert(now.budget >= 0, "more than the budget")
        now.special = token_refused or clock_corrected
        if pause then
            check_pause(pause, err, now)
            if token_refused then now.renewals = now.renewals + 1 end
            now.time = now.time + pause
        end
    until not pause
    assert(now.attempt <= now.max_attempts, "too many attempts")
    assert(now.renewals <= 1, "more than one renewal")
    return now.attempt
end

--- Plays one call to its end; raises where a law is broken.
-- @param random from spec.random
-- @return how many attempts it had
return simulate
