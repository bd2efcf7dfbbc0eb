--- Waiting in OpenResty: light threads wait on semaphores while one driver, a timer, steps the
-- engine. The driver lives as long as somebody waits, so an idle worker does nothing.

local core = require "cloudcal.core"

local nginx = {}

local ngx = rawget(_G, "ngx")

local PAUSE = 0.002 -- seconds between two steps: well below a round trip, little work
local GRACE = 1 -- seconds that an exchange may end after its own deadline

-- Phases in which a light thread may yield.
local YIELDS = {
    rewrite = true, server_rewrite = true, access = true, content = true, timer = true,
    ssl_cert = true, ssl_client_hello = true, ssl_session_fetch = true, preread = true,
}

--- Tells whether this is nginx, and whether the phase lets a call wait.
-- @return true or false; and the name of the phase where it is nginx
function nginx.is_here()
    local phase = ngx and ngx.get_phase and ngx.get_phase()
    if not phase or phase == "init" then return false end
    return YIELDS[phase] == true, phase
end

--- How many workers share what each of them counts for itself.
function nginx.worker_count()
    return ngx and ngx.worker and ngx.worker.count and ngx.worker.count() or 1
end

-- {======================================================
-- The driver
-- =======================================================}

local waiting, count = {}, 0 -- waiters by ticket
local group, driving

local function deliver(engine)
    local ticket = engine:next_ended(group)
    while ticket do
        local waiter = waiting[ticket]
        if waiter then
            waiting[ticket], count = nil, count - 1
            waiter.semaphore:post(1)
        end
        ticket = engine:next_ended(group)
    end
end

local function pause_of(engine, most)
    return math.max(0.001, math.min(most, engine:timeout() or most))
end

local function drive()
    local engine = core.engine()
    while count > 0 do
        engine:step(0)
        deliver(engine)
        if count > 0 then ngx.sleep(pause_of(engine, PAUSE)) end
    end
    driving = false
end

-- Where no timer is to be had, the waiting thread steps for itself.
local function start_driver()
    if driving then return true end
    driving = ngx.timer.at(0, drive) and true or false
    return driving
end

-- {======================================================
-- What a call does
-- =======================================================}

--- What is woken by wake(): one for each wait.
function nginx.waiter()
    return { semaphore = require("ngx.semaphore").new() }
end

local function wait_by_stepping(engine, transfer)
    while not transfer:done() do
        engine:step(0)
        if not transfer:done() then ngx.sleep(pause_of(engine, PAUSE)) end
    end
end

--- Sends a request and waits for its end.
function nginx.exchange(waiter, engine, options)
    group = group or engine:new_group()
    options.group = group
    local transfer, ticket, text = engine:submit(options)
    if not transfer then return nil, ticket, text end
    waiting[ticket], count = waiter, count + 1
    engine:step(0)
    if start_driver() then waiter.semaphore:wait(options.timeout + GRACE) end
    if waiting[ticket] then waiting[ticket], count = nil, count - 1 end
    wait_by_stepping(engine, transfer)
    return transfer
end

--- Sleeps for so many seconds.
function nginx.sleep(_, seconds)
    ngx.sleep(seconds)
end

--- Suspends the light thread until the deadline, or until somebody wakes it.
function nginx.park(waiter, deadline)
    waiter.semaphore:wait(math.max(0, deadline - core.now()))
end

function nginx.wake(waiter)
    waiter.semaphore:post(1)
end

--- Lets others work for at most so many seconds, and steps the engine.
function nginx.pause(seconds)
    local engine = core.engine()
    engine:step(0)
    ngx.sleep(math.max(0.001, math.min(seconds, pause_of(engine, PAUSE))))
end

return nginx
