--- Many calls at once, in order.

local errors = require "cloudcal.errors"
local loop = require "cloudcal.wait.loop"
local tasks = require "cloudcal.wait.tasks"

local CONCURRENCY = 8

local function first_raise(workers)
    for _, worker in ipairs(workers) do
        if worker.raised then return worker.raised end
    end
end

local function goes_on(state)
    return not state.stopped and state.next <= state.total and not first_raise(state.workers)
end

local function work(state)
    while goes_on(state) do
        local i = state.next
        state.next = i + 1
        local value, err = state.fn(state.items[i], i)
        state.results[i] = value
        if value == nil and err ~= nil then
            state.failed, state.errors[i] = state.failed + 1, err
            if state.stop_on and state.stop_on(err) then state.stopped = true end
        end
        state.done = state.done + 1
        if state.on_progress then state.on_progress(state.done, state.total, state.failed) end
    end
end

local function all_done(workers)
    for _, worker in ipairs(workers) do
        if not worker:done() then return false end
    end
    return true
end

local function cancel(state)
    state.stopped = true
    for _, worker in ipairs(state.workers) do worker:cancel() end
end

-- Waits for the workers in the way of the place; one that raised ends the others.
local function join(state, within, task)
    local workers = state.workers
    while not all_done(workers) do
        if first_raise(workers) or (task and task.cancelled) then cancel(state) end
        if task then
            for _, worker in ipairs(workers) do
                if not worker:done() then worker.watchers[1] = task end
            end
            loop.park(task, math.huge)
        else
            loop.turn(within, math.huge, math.huge)
        end
    end
    return first_raise(workers)
end

local function mark_not_started(state)
    for i = state.next, state.total do
        state.failed = state.failed + 1
        state.errors[i] = errors.new({ kind = "cancelled", name = "not_started",
            message = "the batch was stopped before this one" }, { operation = "map" })
    end
end

local function check(items, fn, options)
    if type(items) ~= "table" then return "items must be a table, not a " .. type(items) end
    if type(fn) ~= "function" then return "fn must be a function, not a " .. type(fn) end
    if type(options) ~= "table" then return "options must be a table, not a " .. type(options) end
    for name, value in pairs(options) do
        if name == "concurrency" then
            if type(value) ~= "number" or value < 1 or value % 1 ~= 0 then
                return "option 'concurrency' must be a whole number above 0"
            end
        elseif name ~= "on_progress" and name ~= "stop_on" then
            return ("unknown option '%s'"):format(tostring(name))
        elseif type(value) ~= "function" then
            return ("option '%s' must be a function"):format(name)
        end
    end
end

--- Calls fn(item, i) for each item, several at a time; the order is kept.
-- @param items an array
-- @param fn returns a result, or nil and an error
-- @param options concurrency (8), on_progress(done, total, failed), stop_on(err): true starts
-- no more
-- @return results by index, with results.n; and nil, or the errors by index. An item that was
-- not started has a cancelled error. What fn raises cancels the rest and is raised again.
return function(items, fn, options)
    options = options or {}
    local wrong = check(items, fn, options)
    if wrong then error(wrong, 2) end
    local state = {
        items = items, fn = fn, total = #items, next = 1, done = 0, failed = 0,
        results = { n = #items }, errors = {}, workers = {},
        on_progress = options.on_progress, stop_on = options.stop_on,
    }
    local task = tasks.here()
    local within = task and task.loop or loop.new()
    for i = 1, math.min(options.concurrency or CONCURRENCY, state.total) do
        state.workers[i] = within:spawn(work, state)
    end
    local raised = join(state, within, task)
    if raised then error(raised[1], 0) end
    mark_not_started(state)
    return state.results, state.failed > 0 and state.errors or nil
end
