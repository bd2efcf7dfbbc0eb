--- How a call waits, by the place where it is made.

local block = require "cloudcal.wait.block"
local core = require "cloudcal.core"
local is_yieldable = require "cloudcal.wait.yieldable"
local nginx = require "cloudcal.wait.nginx"
local tasks = require "cloudcal.wait.tasks"

local wait = {}

local DETACHED = 0.5 -- seconds in which a detached function has begun

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

-- The way of waiting, and who waits: a task, a light thread, or nobody but this call.
local function place()
    local task = tasks.here()
    if task then return task.way, task end
    if nginx.is_here() then return nginx, nginx.waiter() end
    return block
end

--- What is wrong where a call cannot wait: in nginx only what can yield may.
-- @return nil if it may wait; or the fields of an error
function wait.problem()
    local possible, phase = nginx.is_here()
    if not phase or possible and is_yieldable() then return nil end
    if possible then phase = phase .. " in a callback of sort or gsub" end
    return { name = "cannot_wait", message = ("the nginx phase %s cannot wait"):format(phase) }
end

--- How many processes of this host share a limit, as far as the host can tell.
wait.worker_count = nginx.worker_count

--- Tells whether the host is nginx, in whatever phase.
wait.is_nginx = nginx.is_host

--- Tells whether the task that asks has been cancelled.
function wait.is_cancelled()
    local _, waiter = place()
    return waiter ~= nil and waiter.cancelled == true
end

--- What a cancelled task gets to hear: the fields of an error.
function wait.cancelled()
    return { name = "aborted_by_callback", kind = "cancelled", message = "the task was cancelled" }
end

--- Sends one request and waits for its end.
-- @param options those of engine:submit in src/engine.c
-- @return the transfer, which can be taken; or nil, libcurl's number and a text
function wait.exchange(options)
    local way, waiter = place()
    return way.exchange(waiter, core.engine(), options)
end

--- Sleeps for so many seconds; a cancelled task wakes early.
-- @return true; or false in a task that is cancelled
function wait.sleep(seconds)
    local way, waiter = place()
    way.sleep(waiter, seconds)
    return not (waiter and waiter.cancelled)
end

local function pack(...)
    return { n = select("#", ...), ... }
end

local is_lua_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

--- As pcall, but for PUC Lua 5.1, which cannot yield across it: there an error goes through.
function wait.protected(fn, ...)
    if is_lua_51 then return true, fn(...) end
    return pcall(fn, ...)
end

-- Runs fn, unless that has begun elsewhere.
local function begin(state, fn, is_detached)
    if state.has_begun then return end
    state.has_begun = true
    state.results = pack(wait.protected(fn, is_detached))
end

local function wait_for_results(way, waiter, state, deadline)
    while not state.results and not waiter.cancelled and core.now() < deadline do
        way.park(waiter, math.min(deadline, core.now() + DETACHED))
        if not state.has_begun then return end -- nginx has dropped the timer
    end
end

--- Runs fn to its end, whoever goes away meanwhile: nginx ends a light thread with its client,
-- and what it holds would be held for ever.
-- @param fn is told whether it outlives its caller
-- @param deadline of the caller, who waits no longer
-- @param is_vital a task that is cancelled must not take fn with it
-- @return what fn returns; nothing if the caller was cancelled, or its deadline is over
function wait.shielded(fn, deadline, is_vital)
    local way, waiter = place()
    local detach = nginx.is_here() and nginx.detach or is_vital and way.detach
    if not detach then return fn(false) end
    local state = {}
    local detached = detach(function()
        begin(state, fn, true)
        way.wake(waiter)
    end, waiter)
    if detached then wait_for_results(way, waiter, state, deadline) end
    if not detached or not state.has_begun then begin(state, fn, false) end
    local results = state.results
    if not results then return end
    if not results[1] then error(results[2], 0) end
    return unpack(results, 2, results.n)
end

-- {======================================================
-- Locks: who waits for the same thing lets one of them get it
-- =======================================================}

local nginx_locks = {}

-- The locks of those who go on while one of them waits; of a blocking call, nobody's.
local function locks_of(way, waiter)
    if way == nginx then return nginx_locks end
    return waiter and waiter.loop.locks
end

--- Takes a lock, waiting for it until the deadline. A plain blocking call does not wait, nor
-- does a task for another loop's: whoever holds the lock might never be resumed.
-- @param seconds after which it is anybody's
-- @return the lock, which has to be released; or nil, with what it was released, and whether
-- somebody else has it
function wait.lock(name, deadline, seconds)
    local way, waiter = place()
    local locks = locks_of(way, waiter)
    if not locks then return nil end
    repeat
        local lock = locks[name]
        if not lock or core.now() >= lock.deadline then
            locks[name] = { name = name, locks = locks, way = way, queue = {},
                            deadline = core.now() + seconds }
            return locks[name]
        end
        if core.now() >= deadline then return nil, nil, true end
        table.insert(lock.queue, waiter)
        way.park(waiter, math.min(deadline, lock.deadline))
        if lock.outcome ~= nil then return nil, lock.outcome end
    until waiter.cancelled
end

--- Releases a lock, and wakes those who wait for it.
-- @param outcome what they get to hear instead of the lock; nil if one of them shall have it
function wait.unlock(lock, outcome)
    lock.outcome = outcome
    if lock.locks[lock.name] == lock then lock.locks[lock.name] = nil end
    for _, waiter in ipairs(lock.queue) do lock.way.wake(waiter) end
end

return wait
