--- Waiting in a plain script: this call blocks, nothing spins.

local core = require "cloudcal.core"

local block = {}

-- Seconds. A signal that comes while C works ends no wait, and the host sees it between slices.
local SLICE = 0.25

--- Sends a request and waits for its end. A step also ends when a signal comes, so that
-- the host (Ctrl-C in a script) gets its turn.
function block.exchange(_, engine, options)
    local transfer, code, text = engine:submit(options)
    if not transfer then return nil, code, text end
    while not transfer:done() do engine:step(SLICE) end
    return transfer
end

--- Sleeps for so many seconds.
function block.sleep(_, seconds)
    local deadline = core.now() + seconds
    while core.now() < deadline do core.sleep(math.min(SLICE, deadline - core.now())) end
end

return block
