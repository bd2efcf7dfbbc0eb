--- Waiting in OpenResty: light threads wait on semaphores while one driver, a timer, steps the
-- engine. The driver lives as long as somebody waits, so an idle worker does nothing.

local core = require "cloudcal.core"

local nginx = {}

local ngx -- the host's interface, as it was when somebody asked where we are

local SHORT, LONG = 0.001, 0.005 -- seconds between two steps
local PART = 0.02 -- by which an answer may come later than without pauses
local BUDGET = 0.002 -- seconds that a step may keep others from the worker
local SLICE = 0.25 -- seconds after which one who waits looks whether the driver still works
local RETRY = 1 -- seconds between two attempts to have a driver where none works
local IDLE = 0.05 -- seconds that a loop without exchanges sleeps at most

-- Phases in which a light thread may yield.
local YIELDS = {
    rewrite = true, server_rewrite = true, access = true, content = true, timer = true,
    ssl_cert = true, ssl_client_hello = true, ssl_session_fetch = true, preread = true,
}

local function find_host()
    ngx = rawget(_G, "ngx")
    if ngx == nil then return nil end
    if type(ngx) ~= "table" or not ngx.get_phase then ngx = nil end
    return ngx
end

local function semaphores()
    return require "ngx.semaphore"
end

-- What only has the name of nginx cannot wait.
local function has_means()
    return ngx.timer ~= nil and ngx.sleep ~= nil and (pcall(semaphores))
end

--- Tells whether this is nginx, and whether the phase lets a call wait.
-- @return true or false; and the name of the phase where it is nginx
function nginx.is_here()
    if not find_host() then return false end
    local phase = ngx.get_phase()
    if not phase or phase == "init" then return false end
    return YIELDS[phase] == true and has_means(), phase
end

--- Tells whether this process is one of nginx's, whatever the phase.
function nginx.is_host()
    return find_host() ~= nil
end

--- How many workers share what each of them counts for itself.
function nginx.worker_count()
    if not find_host() then return 1 end
    return ngx.worker and ngx.worker.count and ngx.worker.count() or 1
end

-- {======================================================
-- The driver
-- =======================================================}

-- By ticket: the semaphore of who waits, and the transfer, which has to reach its end even if
-- nginx has ended the light thread that made it.
local waiting = {}
local pausing = {} -- semaphores of loops, and when their pause ends by itself
local group -- of all exchanges that light threads wait for
local driver -- has the time of its last step, and the semaphore by which it is called
local next_try = 0 -- when another driver may be tried
local active_at = 0 -- when an exchange began or ended for the last time

local function wake_loops()
    if next(pausing) then active_at = core.now() end
    for semaphore in pairs(pausing) do
        pausing[semaphore] = nil
        semaphore:post(1)
    end
end

local function deliver(engine)
    local ticket = group and engine:next_ended(group)
    if ticket then active_at = core.now() end
    while ticket do
        local entry = waiting[ticket]
        waiting[ticket] = nil
        if entry then entry.semaphore:post(1) end
        ticket = engine:next_ended(group)
    end
    if engine:timeout() == 0 then wake_loops() end -- what has ended may be theirs
end

-- Who has waited for long can wait a little longer.
local function pause_of(engine)
    local pause = (core.now() - active_at) * PART
    return math.max(SHORT, math.min(LONG, pause, engine:timeout() or LONG))
end

-- Does what is due. Returns how many exchanges are under way, and whether there was time for all.
local function step(engine)
    local under_way, all = engine:work(BUDGET)
    deliver(engine)
    return under_way, all
end

local function is_needed(now)
    if next(waiting) then return true end
    for _, until_when in pairs(pausing) do
        if until_when > now then return true end
    end
    return false
end

local function drive(_, own)
    local engine = core.engine()
    local _, all = step(engine)
    while driver == own and is_needed(own.stepped_at) do
        if all then own.semaphore:wait(pause_of(engine)) else ngx.sleep(0) end
        own.is_called = false
        _, all = step(engine)
        own.stepped_at = core.now()
    end
    if driver == own then driver, next_try = nil, 0 end
end

local function new_semaphore()
    return semaphores().new()
end

-- Once for all that began in the same turn of nginx's loop.
local function call_driver()
    active_at = core.now()
    if not driver or driver.is_called then return end
    driver.is_called = true
    driver.semaphore:post(1)
end

-- There may be no driver: nginx limits its timers, and drops those that are over the limit.
local function has_driver()
    local now = core.now()
    if driver and now - driver.stepped_at < SLICE then return true end
    if now < next_try then return false end
    driver, next_try = { stepped_at = now, semaphore = new_semaphore() }, now + RETRY
    if ngx.timer.at(0, drive, driver) then return true end
    driver = nil
    return false
end

local function rest(engine, semaphore, seconds)
    if has_driver() then
        semaphore:wait(math.min(seconds, SLICE))
    else
        step(engine)
        ngx.sleep(math.min(seconds, pause_of(engine)))
    end
end

-- {======================================================
-- What a call does
-- =======================================================}

--- What is woken by wake(): one for each wait.
function nginx.waiter()
    return { semaphore = new_semaphore() }
end

--- Sends a request and waits for its end.
function nginx.exchange(waiter, engine, options)
    group = group or engine:new_group()
    options.group = group
    local transfer, ticket, text = engine:submit(options)
    if not transfer then return nil, ticket, text end
    waiting[ticket] = { semaphore = waiter.semaphore, transfer = transfer }
    call_driver()
    while not transfer:done() do rest(engine, waiter.semaphore, SLICE) end
    return transfer
end

--- Sleeps for so many seconds.
function nginx.sleep(_, seconds)
    ngx.sleep(math.max(0, seconds))
end

--- Suspends the light thread until the deadline, or until somebody wakes it.
function nginx.park(waiter, deadline)
    waiter.semaphore:wait(math.max(0, deadline - core.now()))
end

function nginx.wake(waiter)
    waiter.semaphore:post(1)
end

--- Runs fn in a light thread that does not end with the client of this request.
-- @return true; or nil if nginx has no timer left
function nginx.detach(fn)
    return ngx.timer.at(0, fn)
end

--- What a loop does until an exchange of it may have ended, for at most so many seconds.
function nginx.pause(seconds)
    local engine = core.engine()
    local under_way = step(engine)
    if under_way == 0 or engine:timeout() == 0 then
        ngx.sleep(math.max(0.001, math.min(seconds, IDLE)))
        return
    end
    local semaphore = new_semaphore()
    pausing[semaphore] = core.now() + SLICE
    rest(engine, semaphore, seconds)
    pausing[semaphore] = nil
end

return nginx
