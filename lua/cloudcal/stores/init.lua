--- Where tokens live, and what counts calls.

local memory = require "cloudcal.stores.memory"
local nginx = require "cloudcal.stores.nginx"

local stores = {}

local default

--- The store of this Lua state, which clients share unless they are given another one.
function stores.default()
    default = default or memory.new()
    return default
end

--- A store in this Lua state, apart from the one that clients share.
function stores.memory()
    return memory.new()
end

--- A store in a shared dictionary of nginx, seen by all workers.
-- @param dict such as ngx.shared.cloudcal
function stores.nginx(dict)
    local store = nginx.new(dict) -- a tail call would hide the caller's line
    return store
end

function stores.file()
    error("cloudcal.stores.file is not in this version", 2)
end

--- Tells a store from everything else.
function stores.is_store(value)
    return type(value) == "table" and getmetatable(value) == "cloudcal.store"
end

return stores
