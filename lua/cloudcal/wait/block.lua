--- Waiting in a plain script: this call blocks, nothing spins.

local core = require "cloudcal.core"

local block = {}

local LONG = 3600 -- seconds; the exchange has its own deadline

--- Waits until the transfer is done. A step ends early when a signal comes, so that the host
-- (Ctrl-C in a script) gets its turn.
function block.wait_for(engine, transfer)
    while not transfer:done() do engine:step(LONG) end
end

--- Sleeps for so many seconds.
function block.sleep(seconds)
    local deadline = core.now() + seconds
    repeat
        core.sleep(deadline - core.now())
    until core.now() >= deadline
end

return block
