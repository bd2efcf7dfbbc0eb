--- What the specs of the pipeline share: counted calls, raised mistakes, moved clocks, and a
-- server whose answers are written by the spec.

local clock = require "cloudcal.clock"
local core = require "cloudcal.core"
local json = require "cloudcal.json"
local files = require "spec.files"
local lua = require "spec.lua"
local retry = require "cloudcal.retry"
local support = require "spec.support"

local pipeline = {}

--- Forgets what retries have cost so far.
function pipeline.fill_budgets()
    for service in pairs(retry.budgets) do retry.budgets[service] = nil end
end

--- Makes a call with faults queued for its requests.
-- @param name the service whose requests are counted
-- @param faults names, one for each request; a request beyond them meets no fault
-- @param call a function that makes the call and returns its three values
-- @return a table with result, err, meta, elapsed, requests (as the sandbox saw them) and,
-- of these, calls (without the token endpoints) and tokens (only the token endpoints)
function pipeline.run(name, faults, call)
    support.clear(name)
    pipeline.fill_budgets()
    if #faults > 0 then support.faults(name, lua.unpack(faults)) end
    local started = core.now()
    local values = lua.pack(call())
    local seen = { elapsed = core.now() - started, calls = {}, tokens = {} }
    seen.result, seen.err, seen.meta = values[1], values[2], values[3]
    assert(values.n == 3, "a call returns three values, not " .. values.n)
    assert(type(seen.meta) == "table", "the third value is meta")
    assert((seen.result == nil) ~= (seen.err == nil), "one of result and error is nil")
    seen.requests = support.requests(name)
    for _, request in ipairs(seen.requests) do
        local is_token = request.path:find("/auth/v3/", 1, true)
            or request.path:find("/oauth/", 1, true)
        local list = is_token and seen.tokens or seen.calls
        list[#list + 1] = request
    end
    support.clear(name)
    return seen
end

--- Asserts that a function raises at its own line, with these words in the message.
-- The mistake must stand on the line where the function begins.
function pipeline.raises(fn, ...)
    local fine, message = pcall(fn)
    assert(not fine, "nothing was raised")
    assert(type(message) == "string", "what was raised is not text")
    local info = debug.getinfo(fn, "S")
    local place = ("%s:%d: "):format(info.short_src, info.linedefined)
    assert(message:sub(1, #place) == place, ("raised at another place than %s: %s")
        :format(place, message))
    for _, words in ipairs { ... } do
        assert(message:find(words, 1, true), ("%q is not in: %s"):format(words, message))
    end
    return message
end

--- Runs `body` while clock[name] is another function; it gets the true one.
function pipeline.with_clock(name, make, body)
    local truth = clock[name]
    clock[name] = make(truth)
    local fine, problem = pcall(body)
    clock[name] = truth
    if not fine then error(problem, 0) end
end

--- Runs `body` while a clock is so many seconds ahead.
function pipeline.moved(name, seconds, body)
    pipeline.with_clock(name, function(truth)
        return function() return truth() + seconds end
    end, body)
end

-- {======================================================
-- A server whose answers are written by the spec, in a process of its own, over plain HTTP
-- =======================================================}

local SERVER = [==[
local cqueues, socket = require "cqueues", require "cqueues.socket"
local json = require "cloudcal.json"
local answers = dofile(arg[1])
local seen = assert(io.open(arg[2], "w"))
seen:setvbuf("no")
local listener = socket.listen { host = "127.0.0.1", port = 0 }
listener:listen()
local _, _, port = listener:localname()
print(port)
io.stdout:flush()
local loop, count = cqueues.new(), 0
local function read(con)
    local head = {}
    repeat
        local line = con:read("*L")
        if not line then return nil end
        head[#head + 1] = line
    until line == "\r\n"
    local text = table.concat(head)
    local length = tonumber(text:match("Content%-Length: *(%d+)") or 0)
    return text, length > 0 and con:read(length) or ""
end
local function serve(con)
    con:onerror(function(_, _, code) return code end)
    con:setmode("b", "bn")
    while true do
        local head, body = read(con)
        if not head then return con:close() end
        count = count + 1
        seen:write(json.encode { head = head, body = body }, "\n")
        con:write(answers[math.min(count, #answers)])
    end
end
loop:wrap(function()
    while true do
        local con = listener:accept()
        if con then loop:wrap(serve, con) end
    end
end)
loop:wrap(function()
    repeat cqueues.poll { pollfd = 0, events = "r" } until not io.read(1)
    os.exit(0)
end)
assert(loop:loop())
]==]

local write_file = files.temporary

local function read_lines(path)
    local lines = {}
    for line in io.lines(path) do lines[#lines + 1] = line end
    return lines
end

--- Writes an HTTP answer with a right length.
function pipeline.answer(body, headers, status)
    return ("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s"):format(status or "200 OK",
        headers or "Content-Type: application/json\r\n", #body, body)
end

local function wait_for_port(path)
    for _ = 1, 500 do
        local line = read_lines(path)[1]
        if line then return line end
        core.sleep(0.01)
    end
    error("the server does not start")
end

--- Starts it. The first request gets the first answer and so on; the last one is repeated.
-- @param answers whole HTTP answers as bytes
-- @return { base_url, requests() (a list of { head, body }), stop() }
function pipeline.scripted(answers)
    local lines = {}
    for i, answer in ipairs(answers) do lines[i] = ("%q"):format(answer) end
    local script = write_file(SERVER)
    local given = write_file("return { " .. table.concat(lines, ", ") .. " }")
    local seen, ready = os.tmpname(), os.tmpname()
    local pipe = io.popen(("%s %s %s %s >%s"):format(
        lua.command(), script, given, seen, ready), "w")
    local server = { base_url = "http://127.0.0.1:" .. wait_for_port(ready) }
    function server.requests()
        local requests = {}
        for i, line in ipairs(read_lines(seen)) do requests[i] = json.decode(line) end
        return requests
    end
    function server.stop()
        pipe:close()
        for _, path in ipairs { script, given, seen, ready } do os.remove(path) end
    end
    return server
end

--- Runs `body` with a client of such a server.
-- @param name of the service
-- @param answers see scripted
-- @param changes options of the client beside base_url
-- @param body function(client, server)
function pipeline.with_scripted(name, answers, changes, body)
    local server = pipeline.scripted(answers)
    local given = { base_url = server.base_url, allow_plain_http = true }
    for key, value in pairs(changes) do given[key] = value end
    local fine, problem = pcall(function()
        body(require "cloudcal"[name](given), server)
    end)
    server.stop()
    if not fine then error(problem, 0) end
end

return pipeline
