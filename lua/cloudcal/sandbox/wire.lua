--- What can be done to a client at the level of the socket: send, wait, cut, reset.
local cqueues = require "cqueues"

local wire = {}
wire.__index = wire

local SEND_SECONDS = 60
local LINGER_SECONDS = 5
local STALL_SECONDS = 600

--- Wrap a connected TLS socket.
function wire.new(con) return setmetatable({ con = con, open = true }, wire) end

--- Send bytes now. False when the client no longer takes them.
function wire:send(bytes)
    if not self.open then return false end
    return self.con:xwrite(bytes, "bn", SEND_SECONDS) and true or false
end

--- Wait.
function wire.sleep(_, seconds) cqueues.sleep(seconds) end

-- Read and forget until the client is gone.
local function drain(con, seconds)
    local deadline = cqueues.monotime() + seconds
    repeat
        local left = deadline - cqueues.monotime()
        local bytes = left > 0 and con:xread(-4096, "b", left)
    until not bytes
end

--- Keep the connection open and silent until the client gives up.
function wire:stall() drain(self.con, STALL_SECONDS) end

function wire:close()
    self.open = false
    self.con:close()
end

--- End as a good server does: TLS goodbye, FIN, and no reset by late bytes of the client.
function wire:finish()
    if not self.open then return end
    self.con:shutdown("w")
    drain(self.con, LINGER_SECONDS)
    self:close()
end

--- End by FIN alone, without the TLS goodbye.
function wire:abandon() self:close() end

--- End by RST. A linger time of zero makes the kernel send one; cqueues cannot set it.
function wire:reset()
    local handle = require("socket").tcp()
    handle:setfd(self.con:pollfd())
    handle:setoption("linger", { on = true, timeout = 0 })
    handle:setfd(-1)
    self:close()
end

return wire
