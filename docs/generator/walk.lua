-- The public names, as the real objects have them.

local cloudcal = require "cloudcal"

local walk = {}

local function upvalue(fn, wanted)
    local i = 1
    while true do
        local name, value = debug.getupvalue(fn, i)
        if not name or name == wanted then return value end
        i = i + 1
    end
end

local function methods_of(client)
    local own = upvalue(debug.getmetatable(client).__index, "own")
    return own, getmetatable(own).__index
end

local function index_of(object)
    return debug.getmetatable(object).__index
end

--- Clients as an example of each kind; nothing is sent.
walk.clients = {
    feishu = cloudcal.feishu { user_access_token = "u-1" },
    lark = cloudcal.lark { user_access_token = "u-1" },
    youkong = cloudcal.youkong { environment = "sandbox", client_key = "UK1", secret = "s" },
}

-- What cloudcal reads from its file when it is first asked for.
local function load_all()
    for name in pairs(upvalue(getmetatable(cloudcal).__index, "LATER")) do
        assert(cloudcal[name], name)
    end
end

local function objects()
    local found = { cloudcal = cloudcal, sandbox = require "cloudcal.sandbox" }
    load_all()
    for name, value in pairs(cloudcal) do
        if type(value) == "table" then found["cloudcal." .. name] = value end
    end
    found.platform, found.client = methods_of(walk.clients.feishu)
    found.youkong = methods_of(walk.clients.youkong)
    local loop = cloudcal.loop()
    found.loop, found.task = index_of(loop), index_of(loop:spawn(function() end))
    loop:run()
    found.store = index_of(cloudcal.stores.memory())
    found.journal = require "cloudcal.journal"
    return found
end

--- All objects by owner: cloudcal, the tables in it (cloudcal.stores), client (what all clients
-- have), platform (Feishu and Lark), youkong, loop, task, store, journal, sandbox.
walk.objects = objects()

local function collect(object, found)
    for name, value in pairs(object) do
        if type(value) == "function" and not name:find("^__") then found[name] = value end
    end
end

--- The functions of an owner by name, without metamethods.
function walk.functions(owner)
    local found, object = {}, walk.objects[owner]
    local metatable = debug.getmetatable(object)
    local behind = metatable and metatable.__index
    if type(behind) == "table" and owner:find("^cloudcal") then collect(behind, found) end
    collect(object, found)
    return found
end

return walk
