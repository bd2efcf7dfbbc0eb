--- The HTTPS door of the sandbox: three ports on 127.0.0.1, one for each service.
local certificates = require "cloudcal.sandbox.certificates"
local control = require "cloudcal.sandbox.control"
local cqueues = require "cqueues"
local faults = require "cloudcal.sandbox.faults"
local http = require "cloudcal.sandbox.http"
local options = require "cloudcal.sandbox.options"
local rand = require "openssl.rand"
local signal = require "cqueues.signal"
local socket = require "cqueues.socket"
local text = require "cloudcal.sandbox.text"
local wall_clock = require("socket").gettime
local wire = require "cloudcal.sandbox.wire"
local worlds = require "cloudcal.sandbox.world"

local server = {}

local SERVICES = { "feishu", "lark", "youkong" }
local HANDSHAKE_SECONDS = 15

local function complain(...) io.stderr:write("sandbox: ", ...) end

-- Faults ------------------------------------------------------------------------------

-- A fault with a count stands that many times in the queue of each port; one without
-- stays. The header of a request comes before both, then the queue of its path.
local function load_faults(door, list)
    for _, fault in ipairs(list) do
        if not fault.count then door.always = fault end
        for _ = 1, fault.count or 0 do table.insert(door.queue, fault) end
    end
end

local function next_fault(door, request)
    local name = request.headers["x-sandbox-fault"]
    if name then return faults.parse(name) end
    local queue = door.queues[request.path] or {}
    return table.remove(queue, 1) or table.remove(door.queue, 1) or door.always
end

-- Requests ----------------------------------------------------------------------------

local function situation_of(door, request, connection)
    local now = wall_clock() + door.clock_skew
    return {
        wire = connection.wire, served = connection.served, request = request,
        answer = function() return door.world:answer(request, now) end,
        refuse = function(_, code, msg, status, headers)
            return door.world:refuse(request, now, {
                code = code, msg = msg, http = status, headers = headers,
            })
        end,
    }
end

local function send(situation, answer)
    situation.status = answer.status
    return situation.wire:send(http.render(answer, situation.request.close))
end

local function report(door, entry, started)
    if not door.verbose then return end
    local ms = (cqueues.monotime() - started) * 1000
    complain(("%s %s %s %s %.1f ms\n"):format(door.service, entry.method, entry.path,
        entry.fault and "fault " .. entry.fault or tostring(entry.status), ms))
end

local function respond(situation, fault, reason)
    if fault then return faults.run(fault, situation) end
    return send(situation, reason and situation:refuse(190002, reason) or situation:answer())
end

local function serve_api(door, request, connection)
    local started = cqueues.monotime()
    request.service = door.service
    door.world:notice(request)
    local entry = control.remember(door, request, connection.number)
    local fault, reason = next_fault(door, request)
    entry.fault = fault and fault.row.name ~= "none" and fault.name or nil
    local situation = situation_of(door, request, connection)
    local keep = respond(situation, fault, reason)
    entry.status = situation.status
    report(door, entry, started)
    return keep
end

local function serve_control(door, request, connection)
    return connection.wire:send(http.render(control.answer(door, request), request.close))
end

local function serve_one(door, connection)
    local request, status = http.read(connection.con)
    if not request then
        if status then
            local answer = { status = status, headers = {}, body = "" }
            connection.wire:send(http.render(answer, true))
        end
        return false
    end
    local serve = control.owns(request) and serve_control or serve_api
    local keep = serve(door, request, connection)
    connection.served = connection.served + 1
    return keep and not request.close
end

-- Connections -------------------------------------------------------------------------

local function on_error(_, _, code) return code end

local function serve_connection(door, con)
    con:onerror(on_error)
    http.prepare(con)
    local ok = con:starttls(door.tls, HANDSHAKE_SECONDS)
    if not ok then return con:close() end
    door.connections = door.connections + 1
    local connection = {
        con = con, wire = wire.new(con), served = 0, number = door.connections,
    }
    repeat until not serve_one(door, connection)
    connection.wire:finish()
end

-- Whatever a client does ends here and touches no other connection.
local function guard(door, con)
    local ok, problem = pcall(serve_connection, door, con)
    if ok then return end
    complain("internal error: ", tostring(problem), "\n")
    pcall(con.close, con)
end

local function accept_all(loop, door)
    door.listener:onerror(on_error)
    while true do
        local con = door.listener:accept { nodelay = true }
        if con then
            loop:wrap(guard, door, con)
        else
            cqueues.sleep(0.05) -- out of descriptors, most likely
        end
    end
end

-- Start and end -----------------------------------------------------------------------

local function listen(port)
    local ok, listener = pcall(socket.listen, { host = "127.0.0.1", port = port, reuseaddr = true })
    if not ok then return nil end
    listener:onerror(on_error)
    if not listener:listen() then return nil end
    local _, _, actual = listener:localname()
    return listener, actual
end

local function new_door(service, values, world, tls, port)
    local listener, actual = listen(port)
    if not listener then return nil, ("cannot listen on 127.0.0.1 port %d"):format(port) end
    local door = {
        service = service, world = world, tls = tls, listener = listener, port = actual,
        clock_skew = values.clock_skew, verbose = values.verbose,
        queue = {}, queues = {}, requests = {}, connections = 0,
    }
    load_faults(door, values.faults)
    return door
end

local function new_world(values)
    local given = options.credentials(values)
    local settings = { random = rand.bytes, feishu = given, lark = given, youkong = given }
    for _, name in ipairs {
        "rate", "sync_seconds", "token_seconds", "refresh_seconds", "device_seconds",
        "device_interval", "device_approval", "token_error_status", "caldav_server",
        "caldav_user_name", "caldav_password",
    } do
        settings[name] = values[name]
    end
    return worlds.new(settings)
end

local function open_doors(values, tls)
    local world, doors = new_world(values), {}
    for i, service in ipairs(SERVICES) do
        local port = values.port == 0 and 0 or values.port + i - 1
        local door, problem = new_door(service, values, world, tls, port)
        if not door then return nil, problem end
        doors[i] = door
    end
    return doors
end

local function write_file(content)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(content)
    file:close()
    return path
end

-- Lua cannot ask for its own process number, but a child's parent is us.
local function own_pid()
    local pipe = io.popen("echo $PPID")
    local pid = pipe:read("*l")
    pipe:close()
    return tonumber(pid)
end

local function ready_line(doors, ca_file)
    local line = { ca_file = ca_file, pid = own_pid() }
    for _, door in ipairs(doors) do
        local about = { base_url = ("https://127.0.0.1:%d"):format(door.port) }
        for name, value in pairs(door.world:credentials()[door.service]) do about[name] = value end
        line[door.service] = about
    end
    return text.json(line)
end

local function wait_for_signal(stop)
    local listener = signal.listen(signal.SIGTERM, signal.SIGINT)
    listener:wait()
    stop.now = true
end

local STDIN = { pollfd = 0, events = "r" }

-- A file or /dev/null cannot be polled, and neither can a stdin that was never open. Asked
-- before anything else is opened, which would then be number 0.
local function can_poll_stdin()
    local loop = cqueues.new()
    loop:wrap(cqueues.poll, STDIN, 0)
    return (loop:step(0)) == true
end

-- Reads one byte at a time, and only when there is one: nothing else may wait for stdin.
local function wait_for_stdin(stop, can_poll)
    io.stdin:setvbuf("no")
    repeat
        if can_poll then cqueues.poll(STDIN) end
    until not io.read(1)
    stop.now = true
end

local function run(doors, values, can_poll)
    local loop, stop = cqueues.new(), { now = false }
    for _, door in ipairs(doors) do loop:wrap(accept_all, loop, door) end
    loop:wrap(wait_for_signal, stop)
    if not values.no_stdin then loop:wrap(wait_for_stdin, stop, can_poll) end
    while not stop.now do
        local ok, problem = loop:step()
        if not ok then complain("internal error: ", tostring(problem), "\n") end
    end
end

local function start(values)
    local can_poll = can_poll_stdin()
    local authority, tls = certificates.new(values.certificate, os.time() + values.clock_skew)
    local doors, problem = open_doors(values, tls)
    if not doors then
        complain(problem, "\n")
        return 1
    end
    local ca_file = write_file(authority)
    io.stdout:write(ready_line(doors, ca_file), "\n")
    io.stdout:flush()
    local ok, failure = pcall(run, doors, values, can_poll)
    os.remove(ca_file)
    if not ok then complain(tostring(failure), "\n") end
    return ok and 0 or 1
end

--- Run the sandbox with these command-line arguments until it is told to end, and leave
-- the process with its exit status: 0, 1 when it could not run, 2 for a wrong option.
function server.main(argv)
    local values, problem = options.parse(argv)
    if not values then
        complain(problem, "\n")
        os.exit(2)
    end
    if values.help then
        io.stdout:write(options.usage())
        os.exit(0)
    end
    -- Blocked before the ports open, so that no early signal can leave the file behind.
    signal.ignore(signal.SIGPIPE)
    signal.block(signal.SIGTERM, signal.SIGINT)
    os.exit(start(values))
end

return server
