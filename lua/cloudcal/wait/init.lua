--- How a call waits, by the place where it is made.

local core = require "cloudcal.core"
local block = require "cloudcal.wait.block"

local wait = {}

--- Tells whether a call may wait here. In nginx only init_by_lua may block.
-- @return true; or nil and the name of the phase
function wait.is_possible()
    local ngx = rawget(_G, "ngx")
    local phase = type(ngx) == "table" and ngx.get_phase and ngx.get_phase()
    if phase and phase ~= "init" then return nil, phase end
    return true
end

--- Sends one request and waits for its end.
-- @param options those of engine:submit in src/engine.c
-- @return the transfer, which can be taken; or nil, libcurl's number and a text
function wait.exchange(options)
    local engine = core.engine()
    local transfer, code, text = engine:submit(options)
    if not transfer then return nil, code, text end
    block.wait_for(engine, transfer)
    return transfer
end

wait.sleep = block.sleep

return wait
