--- Waiting in a plain script: this call blocks, nothing spins.

local core = require "cloudcal.core"

local block = {}

local LONG = 3600 -- seconds; the exchange has its own deadline

--- Sends a request and waits for its end. A step ends early when a signal comes, so that the
-- host (Ctrl-C in a script) gets its turn.
function block.exchange(_, engine, options)
    local transfer, code, text = engine:submit(options)
    if not transfer then return nil, code, text end
    while not transfer:done() do engine:step(LONG) end
    return transfer
end

--- Sleeps for so many seconds.
function block.sleep(_, seconds)
    local deadline = core.now() + seconds
    while core.now() < deadline do core.sleep(deadline - core.now()) end
end

return block
