--- Ends, errors and yields in the middle of transfers, at each stage of them: nothing crashes,
-- leaks or hangs, those who are not meant go on, and the next call works. That callbacks of
-- libcurl call no Lua is a matter of spec/house_spec.lua.
-- closing.lua PLAIN-PORT TLS-PORT CA-FILE

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local host = require "torture.host"

local plain, tls, ca_file = ...

local STAGES = 12 -- steps made before the blow: queued, connecting, in the handshake, sent, done
local MOST_STEPS = 2000

local function client_of(changes)
    local options = {
        base_url = "https://127.0.0.1:" .. tls, ca_file = ca_file, user_access_token = "u-1",
        rate_limit = false, retry = false,
    }
    for name, value in pairs(changes or {}) do options[name] = value end
    return cloudcal.feishu(options)
end

local client = client_of()
local clear = client_of { base_url = "http://127.0.0.1:" .. plain, allow_plain_http = true }

local function call(with)
    return (with or client):request { method = "POST", path = "/open-apis/x", body = { a = 1 } }
end

local function expect(value, text)
    if not value then error(text or "not as it should be", 2) end
    return value
end

local function is_answer(body) return body ~= nil and body.code == 0 and #body.data == 3000 end

local function submit(secure)
    return expect(core.engine():submit {
        url = secure and "https://127.0.0.1:" .. tls or "http://127.0.0.1:" .. plain,
        method = "POST", body = ("b"):rep(2000), token = "t-1", user_agent = "torture",
        timeout = 60, connect_timeout = 60, max_response_bytes = 1e6, max_connections = 2,
        ca_file = ca_file, plain_http = not secure, content_type = "text/plain",
    })
end

local function steps(count)
    for _ = 1, count do core.engine():step(0.002) end
end

local function finish(transfer)
    for _ = 1, MOST_STEPS do
        if transfer:done() then return transfer:take() end
        core.engine():step(1)
    end
    error "it does not end"
end

-- A loop with calls under way, and a neighbour who has to get his answer.
local function loop_with(fn, count)
    local loop = cloudcal.loop()
    local task = loop:spawn(fn)
    local neighbour = loop:spawn(call, clear)
    for _ = 1, count do loop:step(0) end
    return loop, task, neighbour
end

local function run_out(loop, neighbour)
    loop:run()
    expect(is_answer((neighbour:result())), "the neighbour got no answer")
end

local function collect()
    collectgarbage()
    collectgarbage()
end

-- {======================================================
-- Scenarios: each gets the number of steps before its blow
-- =======================================================}

local scenarios = {}

local function scenario(name, fn) scenarios[#scenarios + 1] = { name = name, fn = fn } end

scenario("a transfer that nobody holds is collected", function(stage)
    for number = 1, 5 do submit(number % 2 == 0) end
    steps(stage)
    collect()
    expect(core.engine():step(0) == 0, "it is still under way")
end)

scenario("a client is collected under its call", function(stage)
    local own = client_of()
    local loop, task, neighbour = loop_with(function() return call(own) end, stage)
    own = nil -- luacheck: ignore 311
    collect()
    run_out(loop, neighbour)
    expect(is_answer((task:result())))
end)

scenario("a loop is collected with its tasks", function(stage)
    loop_with(call, stage)
    collect()
    expect(core.engine():step(0) == 0, "it is still under way")
end)

scenario("a task is cancelled", function(stage)
    local loop, task, neighbour = loop_with(call, stage)
    task:cancel()
    run_out(loop, neighbour)
    local body, err = task:result()
    expect(is_answer(body) or err.kind == "cancelled")
end)

scenario("a task's coroutine is killed from outside", function(stage)
    local co
    local loop, task, neighbour = loop_with(function()
        co = coroutine.running()
        return call()
    end, stage)
    if co then coroutine.close(co) end
    run_out(loop, neighbour)
    expect(task:done())
end)

scenario("a task raises beside a call, inside pcall and outside of it", function(stage)
    local loop, task, neighbour = loop_with(function()
        local ok, problem = pcall(function()
            local body = call()
            error(is_answer(body) and "after" or "without an answer", 0)
        end)
        error(tostring(ok) .. problem, 0)
    end, stage)
    run_out(loop, neighbour)
    local _, err = task:result()
    expect(err.message == "falseafter", err.message)
end)

scenario("yields in the middle of calls, under pcall, metamethods and iterators", function()
    local proxy = setmetatable({}, { __index = function() return call() end })
    local loop, task, neighbour = loop_with(function()
        local count = 0
        for body in function() return count < 2 and call(clear) or nil end do
            count = count + (is_answer(body) and 1 or 5)
            coroutine.yield "not a yield of the library"
        end
        local _, body = pcall(function() return proxy.answer end)
        return count == 2 and is_answer(body)
    end, 0)
    run_out(loop, neighbour)
    expect(task:result() == true)
end)

scenario("a call in a sort function, in gsub and in a generator blocks, and works", function()
    local loop, task, neighbour = loop_with(function()
        local good = 0
        local function one() good = good + (is_answer((call(clear))) and 1 or -99) end
        table.sort({ 1, 2 }, function(a, b) one() return a < b end)
        local _ = ("x"):gsub("x", function() one() end)
        coroutine.wrap(function() one() end)()
        return good
    end, 1)
    run_out(loop, neighbour)
    expect(task:result() >= 3)
end)

scenario("a loop is stepped inside one of its tasks", function(stage)
    local loop = cloudcal.loop()
    local neighbour = loop:spawn(call, clear)
    local task = loop:spawn(function()
        call()
        return pcall(loop.step, loop, 0)
    end)
    for _ = 1, stage do loop:step(0) end
    run_out(loop, neighbour)
    local ok, problem = task:result()
    expect(ok == false and problem:find "inside a task", problem)
end)

scenario("a token function makes a call of its own, and raises", function(stage)
    local count = 0
    local nested = client_of { user_access_token = function()
        count = count + 1
        expect(is_answer((call())))
        if count == 2 then error("no token for you", 0) end
        return "u-2"
    end }
    local loop, task, neighbour = loop_with(function()
        expect(is_answer((call(nested))))
        return call(nested)
    end, stage)
    run_out(loop, neighbour)
    local body, err = task:result()
    expect(body == nil and err ~= nil)
end)

scenario("a logger makes calls, and raises", function()
    local busy = false
    local loud = client_of { log_level = "debug", logger = function()
        if busy then return end
        busy = true
        expect(is_answer((call(clear))))
        busy = false
        error "a bad logger"
    end }
    expect(is_answer((call(loud))))
end)

scenario("a finalizer makes a call under another's", function(stage)
    local got
    local loop, task, neighbour = loop_with(call, stage)
    setmetatable({}, { __gc = function() got = call(clear) end })
    collect()
    expect(is_answer(got), "no answer in the finalizer")
    run_out(loop, neighbour)
    expect(is_answer((task:result())))
end)

scenario("a finalizer closes the engine under calls", function(stage)
    local loop, task, neighbour = loop_with(call, stage)
    setmetatable({}, { __gc = function() core.engine():close() end })
    collect()
    loop:run()
    for _, one in ipairs { task, neighbour } do
        local body, err = one:result()
        expect(is_answer(body) or err.kind == "cancelled", tostring(err))
    end
end)

scenario("the engine is closed under calls, twice, and used again", function(stage)
    local one, two = submit(true), submit(false)
    steps(stage)
    core.engine():close()
    core.engine():close()
    local status, code = finish(one)
    expect(status == 200 or code == 42)
    expect(finish(submit(true)) == 200)
    status, code = finish(two)
    expect(status == 200 or code == 42)
end)

scenario("all methods of a transfer that is over", function(stage)
    local transfer = submit(true)
    steps(stage)
    transfer:cancel()
    transfer:cancel()
    local status, code = transfer:take()
    expect(status == 200 or code == 42)
    expect(transfer:take() == nil and not transfer:done() and tostring(transfer) ~= "")
    transfer:cancel()
    expect(select("#", transfer:timings()) == 5)
end)

scenario("a transfer leaves its block by an error", function(stage)
    local ok, problem = pcall(function()
        local transfer <close> = submit(true)
        steps(stage)
        error(tostring(transfer):match "^%S+", 0)
    end)
    expect(not ok and problem == "cloudcal.transfer")
    expect(core.engine():step(0) == 0, "it is still under way")
end)

scenario("fn, stop_on and on_progress of map raise", function()
    local function blow() error("blow", 0) end
    for _, options in ipairs { { on_progress = blow }, { stop_on = blow }, {} } do
        local ok, problem = pcall(cloudcal.map, { 1, 2, 3, 4, 5 }, function(number)
            local body = call(number % 2 == 0 and clear or client)
            if next(options) == nil and number == 4 then blow() end
            return number ~= 3 and is_answer(body) or nil, number == 3 and "an error"
        end, options)
        expect(not ok and problem == "blow", tostring(problem))
    end
end)

local OPEN = [[
    local plain, tls, ca_file, stage = ...
    local core = require "cloudcal.core"
    held = {}
    for number = 1, 6 do
        local secure = number % 2 == 0
        held[number] = assert(core.engine():submit {
            url = secure and "https://127.0.0.1:" .. tls or "http://127.0.0.1:" .. plain,
            method = "GET", user_agent = "torture", timeout = 60, connect_timeout = 60,
            max_response_bytes = 1e6, max_connections = 2, ca_file = ca_file,
            plain_http = not secure,
        })
    end
    for _ = 1, stage do core.engine():step(0.002) end
    return #held]]

local function open_state(stage)
    local state = host.state()
    local ok, value = state:run(OPEN, plain, tls, ca_file, tostring(stage))
    expect(ok and value == "6", value)
    return state
end

scenario("a Lua state is closed with transfers open", function(stage)
    open_state(stage):close()
end)

scenario("one of two Lua states is closed, and the other goes on", function(stage)
    local one, two = open_state(stage), open_state(STAGES - stage)
    local own = submit(true)
    one:close()
    local ok, value = two:run [[
        local core, good = require "cloudcal.core", 0
        for _, transfer in ipairs(held) do
            for _ = 1, 2000 do
                if transfer:done() then break end
                core.engine():step(1)
            end
            good = good + (transfer:take() == 200 and 1 or 0)
        end
        return good]]
    two:close()
    expect(ok and value == "6", value)
    expect(finish(own) == 200)
end)

scenario("a process ends with transfers open, its state closed or not", function(stage)
    for _, closes in ipairs { true, false } do
        local status = host.apart(function()
            expect(core.engine():step(0) == 0)
            for number = 1, 4 do submit(number % 2 == 0) end
            steps(stage)
            os.exit(7, closes)
        end)
        expect(status == 7, "it ended with " .. status)
    end
end)

scenario("a Lua state is closed while a coroutine of it is inside a call", function(stage)
    local state = host.state()
    local ok, value = state:run([[
        local plain, tls, ca_file, stage, path, cpath = ...
        package.path, package.cpath = path, cpath
        local cloudcal = require "cloudcal"
        local client = cloudcal.feishu { base_url = "https://127.0.0.1:" .. tls,
            ca_file = ca_file, user_access_token = "u-1", rate_limit = false }
        held = cloudcal.loop()
        for _ = 1, 3 do
            held:spawn(client.request, client, { method = "GET", path = "/open-apis/x" })
        end
        for _ = 1, stage do held:step(0) end
        return "open"]], plain, tls, ca_file, tostring(stage), package.path, package.cpath)
    state:close()
    expect(ok and value == "open", value)
end)

-- {======================================================
-- All of them
-- =======================================================}

local tried, wrong = 0, 0

local function try(one, stage)
    local ok, problem = pcall(one.fn, stage)
    core.engine():close()
    collect()
    local again, body = pcall(call)
    if not (again and is_answer(body)) then ok, problem = false, "the next call does not work" end
    core.engine():close()
    tried = tried + 1
    if ok then return end
    wrong = wrong + 1
    print(("%s, after %d steps: %s"):format(one.name, stage, tostring(problem)))
end

call()
call(clear)
core.engine():close()
collect()
local descriptors = host.descriptors()

for _, one in ipairs(scenarios) do
    for stage = 0, STAGES do try(one, stage) end
    collect()
    if host.descriptors() ~= descriptors or host.leaks() then
        wrong = wrong + 1
        print(("%s: %d descriptors, before %d, or memory that nothing points at"):format(one.name,
            host.descriptors(), descriptors))
    end
end

print(("%d scenarios, at %d stages each|%d"):format(#scenarios, STAGES + 1, wrong))
if wrong > 0 then error "something went wrong" end
