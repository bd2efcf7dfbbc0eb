--- Waiting in tasks: a loop runs coroutines that yield while their calls are under way.
-- Only this file resumes them, and only calls made by the task's own coroutine yield.
-- On Lua 5.1, whose coroutines do not yield across C, a call under pcall blocks the other tasks
-- too, and one in a metamethod or in the iterator of a for loop raises.

local core = require "cloudcal.core"
local nginx = require "cloudcal.wait.nginx"
local tasks = require "cloudcal.wait.tasks"

local loop = {}
loop.__index = loop
loop.__name = "cloudcal.loop"
loop.__metatable = "cloudcal.loop"

local Task = { way = loop } -- how it waits
Task.__index = Task
Task.__name = "cloudcal.task"
Task.__metatable = "cloudcal.task"

local LONG = 3600 -- seconds
local BATCH = 0.002 -- seconds of exchanges' work between two looks at the tasks
local MOST_RESERVED = 0.75 -- of a step, for its last action
local CANCELLED = 42 -- libcurl's number for "aborted by callback"
local MARK = {} -- what our own yields pass, so that a foreign one is noticed

local unpack = table.unpack or unpack

local running -- the task that was resumed last, or is being resumed

local function pack(...)
    return { n = select("#", ...), ... }
end

--- Makes a loop. All loops of a Lua state share one engine.
-- @return the loop
function loop.new()
    return setmetatable({
        group = core.engine():new_group(),
        live = 0, -- tasks that have not ended
        has_put_off = false, -- see loop.turn
        ready = {}, first = 1, last = 0, -- a queue
        calls = {}, -- waiting tasks by the ticket of their exchange
        sleepers = {}, -- waiting tasks, the next to wake last
        locks = {}, -- see wait/init.lua
    }, loop)
end

-- {======================================================
-- Scheduling
-- =======================================================}

local function make_ready(task)
    local self = task.loop
    self.last = self.last + 1
    self.ready[self.last] = task
end

local function next_ready(self)
    local task = self.ready[self.first]
    self.ready[self.first] = nil
    self.first = self.first + 1
    return task
end

local function insert_sleeper(sleepers, task)
    local at = #sleepers + 1
    -- of two that wake at once the one that slept first goes first
    while at > 1 and sleepers[at - 1].wake_at <= task.wake_at do at = at - 1 end
    table.insert(sleepers, at, task)
end

local function remove_sleeper(sleepers, task)
    for i = #sleepers, 1, -1 do
        if sleepers[i] == task then return table.remove(sleepers, i) end
    end
end

--- Suspends the task until `deadline`, or until somebody wakes it.
function loop.park(task, deadline)
    task.wake_at = deadline
    insert_sleeper(task.loop.sleepers, task)
    coroutine.yield(MARK)
end

--- Wakes a parked task; does nothing to one that is not parked.
function loop.wake(task)
    if remove_sleeper(task.loop.sleepers, task) then make_ready(task) end
end

local raised_metatable = { __tostring = function(err) return err.message end }

-- What was raised may have metamethods of its own, which fail.
local function text_of(problem)
    local ok, text = pcall(tostring, problem)
    return ok and text or "an error without a text"
end

local function raised(task, problem)
    local text = text_of(problem)
    local traceback = debug.traceback(task.coroutine, text)
    if type(problem) == "table" and type(rawget(problem, "message")) == "string" then
        rawset(problem, "traceback", traceback)
        return problem
    end
    return setmetatable({ message = text, value = problem, traceback = traceback },
        raised_metatable)
end

local function finish(task, ok, ...)
    task.loop.live = task.loop.live - 1
    if ok then
        task.values = pack(...)
    else
        task.raised = { (...) }
        task.values = pack(nil, raised(task, (...)))
    end
    for _, watcher in ipairs(task.watchers) do loop.wake(watcher) end
end

local function resumed(task, before, ok, ...)
    running = before
    if coroutine.status(task.coroutine) == "dead" then return finish(task, ok, ...) end
    if (...) ~= MARK then make_ready(task) end -- a yield that is not ours: come back soon
end

local function resume(task)
    if task.values then return end -- an exchange that it left behind has ended
    local before, arguments = running, task.arguments
    running, task.arguments = task, nil
    if arguments then
        resumed(task, before, coroutine.resume(task.coroutine, unpack(arguments, 1, arguments.n)))
    else
        resumed(task, before, coroutine.resume(task.coroutine))
    end
end

local function wake_sleepers(self)
    local sleepers, now = self.sleepers, core.now()
    while #sleepers > 0 and sleepers[#sleepers].wake_at <= now do
        make_ready(table.remove(sleepers))
    end
end

local function wake_callers(self)
    local engine = core.engine()
    local ticket = engine:next_ended(self.group)
    while ticket do
        local task = self.calls[ticket]
        self.calls[ticket] = nil
        if task then make_ready(task) end
        ticket = engine:next_ended(self.group)
    end
end

local function has_ready(self)
    return self.first <= self.last
end

local function run_ready(self, work_until)
    local last = self.last -- those that get ready meanwhile come next time
    while self.first <= last do
        resume(next_ready(self))
        if core.now() >= work_until then return end
    end
end

local function time_to_wait(self, deadline)
    if has_ready(self) then return 0 end
    local sleeper = self.sleepers[#self.sleepers]
    local till = sleeper and math.min(sleeper.wake_at, deadline) or deadline
    return math.max(0, till - core.now())
end

-- Without a wait, all that is due is done: who waits longest is not the only one whose turn it is.
local function wait_a_little(self, deadline, work_until)
    local seconds, engine = time_to_wait(self, deadline), core.engine()
    if nginx.is_here() then return nginx.pause(seconds) end
    local time = seconds == 0 and math.min(BATCH, work_until - core.now()) or 0
    if time > 0 then return engine:work(time) end
    local under_way = engine:step(seconds)
    if under_way == 0 and not next(self.calls) and seconds > 0 then
        core.sleep(time_to_wait(self, deadline))
    end
end

-- A task can take the time of a whole step, and so can an action for an exchange: they do not
-- meet in the same step, but no exchange is put off twice.
local function puts_off(self, work_until, has_run)
    self.has_put_off = has_run and not self.has_put_off and core.now() >= work_until
    return self.has_put_off
end

--- One turn of the loop.
-- @param deadline until when it may wait
-- @param work_until when the last work may begin
function loop.turn(self, deadline, work_until)
    wake_callers(self)
    wake_sleepers(self)
    local has_run = has_ready(self)
    run_ready(self, work_until)
    if self.live == 0 or puts_off(self, work_until, has_run) then return end
    -- what is waited for may have ended meanwhile
    wait_a_little(self, has_run and 0 or deadline, work_until)
end

-- {======================================================
-- What a call does inside a task
-- =======================================================}

--- Sends a request and waits for its end.
function loop.exchange(task, engine, options)
    if task.cancelled then return nil, CANCELLED, "the task was cancelled" end
    options.group = task.loop.group
    local transfer, ticket, text = engine:submit(options)
    if not transfer then return nil, ticket, text end
    task.transfer = transfer
    task.loop.calls[ticket] = task
    while not transfer:done() do coroutine.yield(MARK) end
    task.transfer = nil
    return transfer
end

--- Sleeps; ends early when the task is cancelled. One that is cancelled lets the others go on.
function loop.sleep(task, seconds)
    if task.cancelled then return loop.park(task, core.now()) end
    local deadline = core.now() + seconds
    while not task.cancelled and core.now() < deadline do loop.park(task, deadline) end
end

--- Runs fn in a task of the same loop, which nobody can cancel.
-- @return true
function loop.detach(fn, task)
    task.loop:spawn(fn)
    return true
end

-- {======================================================
-- The contract
-- =======================================================}

-- An interrupt that the host raises may leave `running` set when nothing is.
local function is_inside()
    -- a task that nginx suspends is neither at its end nor back in resume()
    if nginx.is_host() then return tasks.own() ~= nil end
    local status = running and coroutine.status(running.coroutine)
    return status == "running" or status == "normal"
end

local function forbid_inside(name)
    if is_inside() then error(name .. " cannot be called inside a task", 3) end
end

--- Starts a task.
-- @param fn runs with the further arguments, from the next step on
-- @return a task with done(), result() and cancel()
function loop:spawn(fn, ...)
    if type(fn) ~= "function" then
        error("fn must be a function, not a " .. type(fn), 2)
    end
    -- Lua 5.1 makes no coroutine of a C function
    local co = coroutine.create(function(...) return fn(...) end)
    local task = setmetatable({
        loop = self, coroutine = co, arguments = pack(...), watchers = {},
    }, Task)
    tasks.add(co, task)
    self.live = self.live + 1
    make_ready(task)
    return task
end

-- No work begins that might end too late: what was begun last is finished.
local function work_time(seconds)
    return seconds - math.min(core.engine():longest(), MOST_RESERVED * math.max(0, seconds))
end

--- Lets the tasks go on for so long, and never waits longer. Raises inside a task.
-- @param seconds 0 if absent
-- @return the number of live tasks
function loop:step(seconds)
    forbid_inside "step"
    if seconds ~= nil and type(seconds) ~= "number" then
        error("seconds must be a number, not a " .. type(seconds), 2)
    end
    if seconds ~= seconds then error("seconds must be a number, not NaN", 2) end
    local started = core.now()
    local deadline, work_until = started + (seconds or 0), started + work_time(seconds or 0)
    while self.live > 0 do
        loop.turn(self, deadline, work_until)
        if core.now() >= work_until then break end
    end
    return self.live
end

--- Runs until every task is done. Raises inside a task.
function loop:run()
    forbid_inside "run"
    while self.live > 0 do loop.turn(self, core.now() + LONG, math.huge) end
end

--- A descriptor that is readable when a step is due for an exchange; nil where the system has
-- no epoll. Level-triggered; timeout() tells the rest.
-- @return the descriptor, or nil
function loop.fd()
    return core.engine():fd()
end

--- The time until the next step is due.
-- @return seconds; nil when nothing waits
function loop:timeout()
    if self.live == 0 then return nil end
    if has_ready(self) then return 0 end
    local engine, sleeper = core.engine(), self.sleepers[#self.sleepers]
    local due = engine:timeout()
    local wake_at = sleeper and sleeper.wake_at < math.huge and sleeper.wake_at
    if not wake_at then return due end
    return math.min(due or math.huge, math.max(0, wake_at - core.now()))
end

-- As cqueues polls an object, and as select does.
loop.pollfd = loop.fd
loop.getfd = loop.fd

--- The events that the loop waits for, as cqueues asks for them.
-- @return "r": readable
function loop.events()
    return "r"
end

--- Tells whether a step is due, as select asks.
-- @return true or false
function loop:dirty()
    return self:timeout() == 0
end

function loop:__tostring()
    return ("cloudcal.loop (%d tasks)"):format(self.live)
end

--- Tells whether the task has ended.
-- @return true or false
function Task:done()
    return self.values ~= nil
end

--- What fn returned; nil and an error with a traceback if it raised.
-- @return what fn returned; raises before the end of the task
function Task:result()
    if not self.values then error("the task has not ended", 2) end
    return unpack(self.values, 1, self.values.n)
end

--- Ends the task's pending call, and each later one, as cancelled.
function Task:cancel()
    if self.values or self.cancelled then return end
    self.cancelled = true
    if self.transfer then self.transfer:cancel() end
    loop.wake(self)
end

function Task:__tostring()
    local state = self.values and "ended" or self.cancelled and "cancelled" or "live"
    return ("cloudcal.task (%s)"):format(state)
end

return loop
