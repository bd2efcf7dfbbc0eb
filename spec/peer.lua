--- Servers of a spec's own, in this process: what the sandbox does not do. And child processes.

local core = require "cloudcal.core"
local files = require "spec.files"
local lua = require "spec.lua"
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local peer = {}

local loop = cqueues.new()

--- The loop that the servers run in.
peer.loop = loop

local function on_error(_, _, code) return code end

--- Starts a server on a free port of 127.0.0.1.
-- @param serve called with each connection (cqueues socket, binary, errors returned)
-- @param ctx TLS context; nil: plain TCP
-- @return { port, url, seen (connections that reached serve), accepted, close() }
function peer.listen(serve, ctx)
    local listener = socket.listen { host = "127.0.0.1", port = 0 }
    listener:onerror(on_error)
    assert(listener:listen())
    local _, _, port = listener:localname()
    local server = { port = port, accepted = 0, seen = 0, open = true }
    server.url = ("%s://127.0.0.1:%d"):format(ctx and "https" or "http", port)
    local function one(con)
        con:onerror(on_error)
        con:setmode("b", "bn")
        if not ctx or con:starttls(ctx, 10) then
            server.seen = server.seen + 1
            serve(con, server)
        end
        con:close()
    end
    loop:wrap(function()
        while server.open do
            local con = listener:accept(0.05)
            if con then
                server.accepted = server.accepted + 1
                loop:wrap(one, con)
            end
        end
        listener:close()
    end)
    function server.close() server.open = false end
    return server
end

--- Runs a function beside the servers.
function peer.spawn(fn, ...) loop:wrap(fn, ...) end

--- Lets the servers and the engine work until `done()` is true.
function peer.drive(done, seconds)
    local engine = core.engine()
    local deadline = core.now() + (seconds or 20)
    while not done() do
        assert(core.now() < deadline, "it does not end")
        if engine:step(0.002) == 0 then assert(loop:step(0.002)) else assert(loop:step(0)) end
    end
end

--- Lets them work for so many seconds.
function peer.pause(seconds)
    local deadline = core.now() + seconds
    peer.drive(function() return core.now() > deadline end)
end

--- One exchange with a server in this process.
-- @return what transfer:take() returns
function peer.exchange(options)
    local transfer = assert(core.engine():submit(options))
    peer.drive(function() return transfer:done() end)
    return transfer:take()
end

--- Reads a request up to its blank line, and its body by Content-Length.
function peer.read_request(con)
    local head = {}
    repeat
        local line = con:read("*L")
        if not line then return nil end
        head[#head + 1] = line
    until line == "\r\n"
    local text = table.concat(head)
    local length = tonumber(text:match("[Cc]ontent%-[Ll]ength: *(%d+)") or 0)
    return text, length > 0 and con:read(length) or ""
end

--- A server's work: the same bytes for each request.
function peer.answering(bytes)
    return function(con, server)
        while true do
            local head = peer.read_request(con)
            if not head then return end
            server.head = head
            con:write(bytes)
        end
    end
end

--- Options of the core for one request.
function peer.options(url, changes)
    local options = {
        url = url, method = "GET", user_agent = "spec", timeout = 10, connect_timeout = 10,
        max_response_bytes = 8 * 1024 * 1024, max_connections = 8,
    }
    for name, value in pairs(changes or {}) do options[name] = value end
    return options
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

peer.quote = quote

--- Runs a shell command.
-- @return all that it wrote, and true if it succeeded
function peer.shell(command)
    local pipe = assert(io.popen(("( %s\n) 2>&1; echo \"status $?\""):format(command)))
    local output, status = pipe:read("*a"):match("^(.*)status (%d+)\n$")
    pipe:close()
    return output, status == "0"
end

--- Runs a shell command that has to succeed.
-- @param ... what string.format puts into it, if anything
-- @return all that it wrote
function peer.must(command, ...)
    if select("#", ...) > 0 then command = command:format(...) end
    local output, ok = peer.shell(command)
    if not ok then error(command .. "\n" .. output, 2) end
    return output
end

--- Runs a Lua script in a process of its own, which finds the modules that this one finds.
-- @param script its text
-- @param values strings by name, which it finds in the table `given`
-- @param shell a command line with %s for the command; default: just that
-- @return all that it wrote, and true if it succeeded
function peer.script(script, values, shell)
    local lines = {}
    for name, value in pairs(values or {}) do
        lines[#lines + 1] = ("[%q] = %q,"):format(name, value)
    end
    local text = "local given = {" .. table.concat(lines) .. "} " .. script
    local path = files.temporary(text)
    local command = ("%s %s"):format(lua.command(peer.interpreter), path)
    local before, after = (shell or "%s"):match("^(.-)%%s(.*)$")
    local output, ok = peer.shell(before .. command .. after)
    os.remove(path)
    return output, ok
end

local programs = {}

--- Compiles spec/c/<name>.c.
-- @return its path; it is removed when this Lua state ends
function peer.program(name, flags)
    if programs[name] then return programs[name].path end
    local path = os.tmpname()
    local output, ok = peer.shell(("env -u LD_PRELOAD cc -std=c11 -Wall -Wextra -Werror -o %s"
        .. " spec/c/%s.c %s"):format(path, name, flags or ""))
    assert(ok, output)
    programs[name] = {
        path = path, remover = lua.at_end(function() os.remove(path) end),
    }
    return path
end

--- Runs a script in the C host of spec/c: globals fork, wait, leave; once in each of `states`
-- Lua states, one after the other.
-- @param under a command that runs the host
function peer.host(script, values, states, shell, under)
    local program = peer.program("host", "$(pkg-config --cflags --libs " .. lua.package .. ")")
    local old = peer.interpreter
    peer.interpreter = ("%s %s %d"):format(under or "", program, states or 1)
    local output, ok = peer.script(script, values, shell)
    peer.interpreter = old
    return output, ok
end

--- How many descriptors this process has open, pipes aside: there are those of the asking,
-- of which one may vanish while ls looks at it, and then leads nowhere.
function peer.descriptors()
    collectgarbage() -- what others left to be collected does not count
    collectgarbage()
    local pipe = io.popen("ls -l /proc/$PPID/fd 2>/dev/null | grep -c -e '-> [^p]'")
    local count = tonumber(pipe:read("*a"))
    pipe:close()
    return count
end

--- Waits a little until no more descriptors are open than before: a look-up of a name that was
-- given up has some of its own until its thread ends.
function peer.expect_descriptors(before)
    local deadline = core.now() + 6
    local now = peer.descriptors()
    while now > before and core.now() < deadline do
        core.sleep(0.05)
        now = peer.descriptors()
    end
    assert(now <= before, ("%d descriptors are open, %d were before"):format(now, before))
end

return peer
