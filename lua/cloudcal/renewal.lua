--- Values that run out and that many need: of all who need the same one, one fetches it.
-- A source of such a value has
--   key            of the value in its store, and of the locks
--   store          one of cloudcal.stores; nil if nothing is kept
--   source:look(call)    the value if it can still be used, and whether it is time for the next
--                  one; or nil and nil; the third is the fields of an error that makes all else
--                  useless
--   source:renew(call, early, deadline)   fetches and keeps the next value, by then at the latest;
--                  early: the old one can still be used. The value; or nil and an error, or its
--                  fields
--   source:refuse(value)   the value cannot be used after all
--   is_vital       a renewal that is cut short does harm, and so do two at once

local clock = require "cloudcal.clock"
local errors = require "cloudcal.errors"
local redact = require "cloudcal.redact"
local wait = require "cloudcal.wait"

local renewal = {}

local LONGEST_FETCH = 10 -- seconds
local LOCK_SECONDS = 15 -- of the store's lock: one fetch, and some more
local TURN_SECONDS = 30 -- of the host's lock: somebody else's lock, then a fetch
local GLANCE = 0.05 -- seconds that a call with a good value waits for the next one
local LOOK_AGAIN = 0.02 -- seconds between two looks at another process's fetch

-- Until when this Lua state holds a lock of a store. Nobody in here waits for that one: its
-- holder might not go on before we do, but for nginx.
local held_until = {}

local function is_held_here(key)
    return not wait.is_nginx() and (held_until[key] or 0) > clock.now()
end

-- Where no lock can be made, as the message says, two at once are better than none; not so if
-- that does harm. A lock whose holder was killed may last until its end.
local function lock_store(source, call, limit)
    local key, deadline = source.key, math.min(limit, clock.now() + LOCK_SECONDS + 1)
    while true do
        local is_held, failure = source.store:try_lock(key, LOCK_SECONDS)
        if is_held and failure and source.is_vital then
            source.store:unlock(key)
            return false, failure
        end
        if is_held then break end
        local is_over = clock.now() + LOOK_AGAIN >= deadline
        if is_over or is_held_here(key) or source:look(call) then return false end
        if not wait.sleep(LOOK_AGAIN) then return false end
    end
    held_until[key] = clock.now() + LOCK_SECONDS
    return true
end

local function unlock_store(source)
    local key, store = source.key, source.store
    -- one that has run out may be another's by now
    if clock.now() < (held_until[key] or 0) then store:unlock(key) end
    held_until[key] = nil
end

local function not_held(failure)
    if failure then
        return { name = "store_failed", stage = "token", field = "store", message = failure }
    end
    return { name = "login_busy", stage = "token",
        message = "the same login is being renewed elsewhere, and that was not done in time" }
end

-- An early renewal leaves time for the call itself.
local function time_for(limit, is_early)
    local now = clock.now()
    if is_early and limit < math.huge then limit = now + (limit - now) / 2 end
    return math.min(limit, now + LONGEST_FETCH)
end

-- Renews where it is time, unless somebody else has done so since.
local function renew(source, call, is_held, failure, limit)
    local value, is_old, broken = source:look(call)
    if value and not (is_held and is_old) then return value end
    if broken then return nil, broken end
    if source.is_vital and not is_held then return nil, not_held(failure) end
    local is_early = value ~= nil
    local renewed, err = source:renew(call, is_early, time_for(limit, is_early))
    -- what we hold is good until it ends
    return renewed or value, err
end

-- What a failed fetch means for those who waited for it: the same, unless only its own call
-- had come to an end. They do not know the secrets that it may repeat.
local function outcome_of(err, secrets)
    if not err or err.kind == "cancelled" or err.kind == "timeout" then return nil end
    local fields = errors.fields(err)
    fields.message = redact.text(err.message, secrets)
    return fields
end

-- Here by the lock of the host, between processes by that of the store.
local function renew_in_turn(source, call, lock, limit)
    local is_held, failure = false, nil
    if source.store then is_held, failure = lock_store(source, call, limit) end
    local fine, value, err = wait.protected(renew, source, call, is_held, failure, limit)
    if is_held then unlock_store(source) end
    if lock then wait.unlock(lock, fine and outcome_of(err, call.secrets) or nil) end
    if not fine then error(value, 0) end
    return value, not value and err or nil
end

local function ended_early(deadline)
    if clock.now() >= deadline then
        return { name = "deadline_exceeded", stage = "token",
            message = "the time of the call was over before there was a token" }
    end
    local found = wait.cancelled()
    found.stage = "token"
    return found
end

-- Who began to fetch may go away: a lock is never left behind, and what is vital goes on.
-- Who has a good value glances at the renewal and goes on.
local function renew_shielded(source, call, lock, deadline, old)
    local till = old and math.min(deadline, clock.now() + GLANCE) or deadline
    local done, value, err = wait.shielded(function(is_detached)
        local limit = is_detached and source.is_vital and math.huge or deadline
        return true, renew_in_turn(source, call, lock, limit)
    end, till, source.is_vital)
    if done then return value, err end
    return old, not old and ended_early(deadline) or nil
end

--- Gets the value: as it is kept, or from whoever is about to fetch it, or by fetching it.
-- @param call that needs it
-- @param deadline of the wait for it
-- @return the value; or nil and an error or the fields of one
function renewal.get(source, call, deadline)
    local value, is_old, broken = source:look(call)
    if value and not is_old then return value end
    if broken then return nil, broken end
    local lock, outcome, is_taken
    if source.store then
        lock, outcome, is_taken = wait.lock(source.key, value and 0 or deadline, TURN_SECONDS)
    end
    if value and is_taken then return value end
    if outcome then
        value = source:look(call)
        return value, not value and outcome or nil
    end
    if wait.is_cancelled() then
        if lock then wait.unlock(lock) end
        return nil, ended_early(deadline)
    end
    return renew_shielded(source, call, lock, deadline, value)
end

return renewal
