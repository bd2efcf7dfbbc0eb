--- How a call waits, by the place where it is made.

local block = require "cloudcal.wait.block"
local core = require "cloudcal.core"
local loop = require "cloudcal.wait.loop"
local nginx = require "cloudcal.wait.nginx"

local wait = {}

-- The way of waiting, and who waits: a task, a light thread, or nobody but this call.
local function place()
    local task = loop.here()
    if task then return loop, task end
    if nginx.is_here() then return nginx, nginx.waiter() end
    return block
end

--- Tells whether a call may wait here: not in a phase of nginx that cannot yield.
-- @return true; or nil and the name of the phase
function wait.is_possible()
    local possible, phase = nginx.is_here()
    if phase and not possible then return nil, phase end
    return true
end

--- How many processes of this host share a limit, as far as the host can tell.
wait.worker_count = nginx.worker_count

--- Sends one request and waits for its end.
-- @param options those of engine:submit in src/engine.c
-- @return the transfer, which can be taken; or nil, libcurl's number and a text
function wait.exchange(options)
    local way, waiter = place()
    return way.exchange(waiter, core.engine(), options)
end

--- Sleeps for so many seconds; a cancelled task wakes early.
function wait.sleep(seconds)
    local way, waiter = place()
    way.sleep(waiter, seconds)
end

-- {======================================================
-- Locks: who waits for the same thing lets one of them get it
-- =======================================================}

local locks = {}

--- Takes a lock, waiting for it until the deadline. A plain blocking call does not wait: whoever
-- holds the lock would never be resumed.
-- @return true if it was taken and has to be released
function wait.lock(name, deadline)
    local way, waiter = place()
    repeat
        local lock = locks[name]
        if not lock or core.now() >= lock.deadline then
            locks[name] = { deadline = deadline, queue = {} }
            return true
        end
        if way == block then return false end
        table.insert(lock.queue, waiter)
        way.park(waiter, math.min(deadline, lock.deadline))
    until waiter.cancelled or core.now() >= deadline
    return false
end

--- Releases a lock that was taken, and wakes those who wait for it.
function wait.unlock(name)
    local lock = locks[name]
    locks[name] = nil
    for _, waiter in ipairs(lock and lock.queue or {}) do
        local way = waiter.semaphore and nginx or loop
        way.wake(waiter)
    end
end

return wait
