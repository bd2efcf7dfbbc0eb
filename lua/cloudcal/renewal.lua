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
local wait = require "cloudcal.wait"

local renewal = {}

local LONGEST_FETCH = 10 -- seconds
local LOCK_SECONDS = 15 -- of the store's lock: one fetch, and some more
local TURN_SECONDS = 30 -- of the host's lock: somebody else's lock, then a fetch
local LOOK_AGAIN = 0.02 -- seconds between two looks at another process's fetch

-- Until when this Lua state holds a lock of a store. Nobody in here waits for that one: its
-- holder might not go on before we do, but for nginx.
local held_until = {}

local function is_held_here(key)
    return not wait.is_nginx() and (held_until[key] or 0) > clock.now()
end

-- A lock whose holder was killed may last until its end.
local function lock_store(source, call, limit)
    local key, deadline = source.key, math.min(limit, clock.now() + LOCK_SECONDS + 1)
    while not source.store:try_lock(key, LOCK_SECONDS) do
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
    if store.locks_last or clock.now() < (held_until[key] or 0) then store:unlock(key) end
    held_until[key] = nil
end

local function busy()
    return { name = "login_busy", stage = "token",
        message = "another process renews the same login, and was not done in time" }
end

-- Renews where it is time, unless somebody else has done so since.
local function renew(source, call, is_held, limit)
    local value, is_old, broken = source:look(call)
    if value and not (is_held and is_old) then return value end
    if broken then return nil, broken end
    if source.is_vital and not is_held then return nil, busy() end
    local deadline = math.min(limit, clock.now() + LONGEST_FETCH)
    local renewed, err = source:renew(call, value ~= nil, deadline)
    -- what we hold is good until it ends
    return renewed or value, err
end

-- What a failed fetch means for those who waited for it: the same, unless only its own call
-- had come to an end.
local function outcome_of(err)
    if not err or err.kind == "cancelled" or err.kind == "timeout" then return nil end
    local fields = {}
    for name, value in pairs(err) do fields[name] = value end
    return fields
end

-- Here by the lock of the host, between processes by that of the store.
local function renew_in_turn(source, call, lock, limit)
    local is_held = source.store ~= nil and lock_store(source, call, limit)
    local value, err = renew(source, call, is_held, limit)
    if is_held then unlock_store(source) end
    if lock then wait.unlock(lock, outcome_of(err)) end
    return value, not value and err or nil
end

local function ended_early(deadline)
    if clock.now() >= deadline then
        return { name = "deadline_exceeded", stage = "token",
            message = "the time of the call was over before there was a token" }
    end
    return { name = "aborted_by_callback", kind = "cancelled", stage = "token",
        message = "the task was cancelled" }
end

-- Who began to fetch may go away: a lock is never left behind, and what is vital goes on.
local function renew_shielded(source, call, lock, deadline)
    local done, value, err = wait.shielded(function(is_detached)
        local limit = is_detached and source.is_vital and math.huge or deadline
        return true, renew_in_turn(source, call, lock, limit)
    end, deadline, source.is_vital)
    if done then return value, err end
    return nil, ended_early(deadline)
end

--- Gets the value: as it is kept, or from whoever is about to fetch it, or by fetching it.
-- @param call that needs it
-- @param deadline of the wait for it
-- @return the value; or nil and an error or the fields of one
function renewal.get(source, call, deadline)
    local value, is_old, broken = source:look(call)
    if value and not is_old then return value end
    if broken then return nil, broken end
    local lock, outcome
    if source.store then lock, outcome = wait.lock(source.key, deadline, TURN_SECONDS) end
    if outcome then
        value = source:look(call)
        return value, not value and outcome or nil
    end
    return renew_shielded(source, call, lock, deadline)
end

return renewal
