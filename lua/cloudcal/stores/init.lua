--- Where tokens live, and what counts calls.

local memory = require "cloudcal.stores.memory"

local stores = {}

local default

--- The store of this Lua state, which clients share unless they are given another one.
function stores.default()
    default = default or memory.new()
    return default
end

--- The store of a client's tokens; nil if it keeps none.
function stores.of(client)
    if client.store == false then return nil end
    return client.store or stores.default()
end

--- A store in this Lua state, apart from the one that clients share.
-- @return the store
function stores.memory()
    return memory.new()
end

--- A store in a shared dictionary of nginx, seen by all workers.
-- @param dict such as ngx.shared.cloudcal
-- @return the store
function stores.nginx(dict)
    local store = require("cloudcal.stores.nginx").new(dict) -- a tail call hides the caller
    return store
end

--- A store in a file, seen by all processes of one user on this machine; tokens outlive them.
-- It counts no calls. The file is created for its user only, and refused if others can reach it.
-- A lock ends with the process that took it, or when its seconds are over and that process goes on.
-- @param path of the file, in a directory that exists
-- @return the store; no file is opened before it is used
function stores.file(path)
    local store = require("cloudcal.stores.file").new(path)
    return store
end

--- Tells a store from everything else.
function stores.is_store(value)
    return type(value) == "table" and getmetatable(value) == "cloudcal.store"
end

return stores
