--- What the specs share: one sandbox for all of them, and clients of it.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local json = require "cloudcal.json"

local support = {}

local running

--- How many bytes of an odd text show a time that grows with the square of its length: seconds
-- then, and well under one otherwise.
support.MANY = 30000

--- The seconds of this process's own time that a function takes.
function support.cost(fn, ...)
    local started = os.clock()
    fn(...)
    return os.clock() - started
end

local function merged(first, second)
    local result = {}
    for key, value in pairs(first) do result[key] = value end
    for key, value in pairs(second or {}) do result[key] = value end
    return result
end

--- The sandbox that all specs of one file share. It ends with the process.
-- @param options of the sandbox; only those of the first call count
function support.sandbox(options)
    running = running
        or require("cloudcal.sandbox").start(merged({ sync_seconds = 0.2, rate = false }, options))
    return running
end

--- A client of the sandbox.
-- @param name "feishu", "lark" or "youkong"
-- @param changes options beside base_url and ca_file; without any, good credentials are used
function support.client(name, changes)
    local sandbox = support.sandbox()
    local known = sandbox[name]
    local given = { base_url = known.base_url, ca_file = sandbox.ca_file }
    if not changes then
        changes = name == "youkong" and { client_key = known.client_key, secret = known.secret }
            or { user_access_token = known.user_access_token }
    end
    return cloudcal[name](merged(given, changes))
end

--- Options of the core for one request to a service of the sandbox.
function support.exchange_options(name, path, changes)
    local sandbox = support.sandbox()
    return merged({
        url = sandbox[name].base_url .. path, method = "GET", user_agent = "spec",
        ca_file = sandbox.ca_file, timeout = 5, connect_timeout = 5,
        max_response_bytes = 8 * 1024 * 1024, max_connections = 8,
    }, changes)
end

--- One exchange by the core alone.
-- @return what transfer:take() returns
function support.exchange(options)
    local engine = core.engine()
    local transfer = assert(engine:submit(options))
    local deadline = core.now() + 20
    while not transfer:done() do
        assert(core.now() < deadline, "the exchange does not end")
        engine:step(1)
    end
    return transfer:take()
end

local function control(name, method, path, body)
    local status, _, text = support.exchange(support.exchange_options(name, path,
        { method = method, body = body and json.encode(body) }))
    assert(status and status < 300, "the sandbox's control door does not answer")
    return text ~= "" and json.decode(text) or nil
end

--- Sets the faults of the next requests to a service, one for each.
function support.faults(name, ...)
    control(name, "POST", "/_sandbox/faults", { ... })
end

--- Sets the faults of the next requests to a path of a service, one for each.
function support.path_faults(name, path, ...)
    control(name, "POST", "/_sandbox/faults", { path = path, names = { ... } })
end

--- Revokes the tokens of a kind: user, tenant, app, refresh or ticket.
function support.revoke(name, kind)
    control(name, "POST", "/_sandbox/revoke", { kind = kind })
end

--- The app ticket that is good now.
function support.ticket(name)
    return control(name, "GET", "/_sandbox/ticket").app_ticket
end

--- Forgets faults and requests.
function support.clear(name)
    control(name, "DELETE", "/_sandbox/faults")
    control(name, "DELETE", "/_sandbox/requests")
end

--- The requests that a service has seen since support.clear.
function support.requests(name)
    return control(name, "GET", "/_sandbox/requests")
end

--- Waits until a service has seen so many requests since support.clear. The engine works meanwhile.
function support.await_requests(name, count)
    local deadline = core.now() + 20
    while #support.requests(name) < count do
        assert(core.now() < deadline, "the request does not arrive")
        core.sleep(0.005)
    end
end

--- The sandbox's state: what was created.
function support.state(name)
    return control(name, "GET", "/_sandbox/state")
end

--- The calendars of the users of Youkong, in no order: { user_code, calendar_id, calendar_name }.
function support.calendars()
    return control("youkong", "GET", "/_sandbox/calendars")
end

return support
