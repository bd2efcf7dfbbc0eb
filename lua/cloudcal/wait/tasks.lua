--- Which coroutines are tasks, for those who ask where they are: most programs have no loop, and
-- do not read its module.

local core = require "cloudcal.core"
local is_yieldable = require "cloudcal.wait.yieldable"

local tasks = {}

local by_coroutine = core.tasks() -- the tasks of whoever has loaded this library beside us, too

--- Notes that a coroutine is that of a task.
function tasks.add(coroutine, task)
    by_coroutine[coroutine] = task
end

--- The task of the running coroutine, whether it may yield or not.
-- @return the task, or nil
function tasks.own()
    local own = coroutine.running()
    return own and by_coroutine[own]
end

--- The task whose code is running, if its own coroutine may yield here: nil in a foreign
-- coroutine, in a sort or gsub callback, and outside of tasks.
-- @return the task, or nil; task.way is how it waits
function tasks.here()
    local task = tasks.own()
    if task and is_yieldable() then return task end
end

return tasks
