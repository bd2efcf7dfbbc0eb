--- Socket calls that fail: sockets.lua STRIDE PLAIN-PORT TLS-PORT CA-FILE. Under the host of this
-- folder, whose system calls fail one by one; of the longer exchanges, one in STRIDE by chance.
-- Each exchange ends in the right answer or in one error that blames neither the caller nor the
-- service, in time; afterwards the same client works.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local host = require "torture.host"
local sockets = require "torture.sockets"
local starved = require "spec.torture.starved"

local stride, plain, tls, ca_file = ...
math.randomseed(1) -- the same ones each time

local SOON = 0.1 -- seconds that an exchange may take which cannot end well
local LATE = 0.25 -- seconds that it may end later
local LONG = 20 -- for any other
local MOST = 500 -- calls of one name in an exchange
local KINDS = { network = true, timeout = true, tls = true, out_of_memory = true }

-- What else may come of calls beside an errno.
local ENDINGS = {
    send = { "SHORT" }, write = { "SHORT" }, recv = { "SHORT", "END" }, read = { "SHORT", "END" },
    epoll_wait = { "NOTHING" },
}

-- What a program has to go on after.
local MOVED = { EINTR = true, EAGAIN = true, SHORT = true }
local HARMLESS = {
    send = MOVED, write = MOVED, recv = MOVED, read = MOVED,
    poll = { EINTR = true }, epoll_wait = { EINTR = true, NOTHING = true },
}
local ENDLESS = { EINTR = true, EAGAIN = true, NOTHING = true } -- if it comes each time

local wrong, points, endings = 0, 0, {}

local function complain(text)
    wrong = wrong + 1
    if wrong <= 30 then io.stderr:write(text, "\n") end
end

-- {======================================================
-- Exchanges
-- =======================================================}

local client

local function new_client(secure)
    return cloudcal.feishu {
        base_url = secure and "https://127.0.0.1:" .. tls or "http://127.0.0.1:" .. plain,
        ca_file = secure and ca_file or nil, allow_plain_http = not secure or nil,
        user_access_token = "u-1", retry = false, rate_limit = false,
    }
end

local BODY = { text = ("b"):rep(2000) }

-- { err, late } where it failed, { count } else
local function exchange(timeout, point)
    local started, waited = core.now(), starved()
    local body, err, meta = client:request {
        method = "POST", path = "/open-apis/x", query = { point = point or points }, body = BODY,
        timeout = timeout,
    }
    local late = core.now() - started - timeout - (starved() - waited)
    if not body then return { err = err, late = late } end
    return { count = tonumber(meta.headers["x-torture"]), right = #body.data == 3000, late = late }
end

local function blocking(timeout)
    return { exchange(timeout) }
end

local function to_the_end(timeout)
    local seen = blocking(timeout)
    core.engine():close()
    return seen
end

local function in_tasks(timeout)
    local loop, seen = cloudcal.loop(), {}
    loop:fd()
    for i = 1, 2 do
        loop:spawn(function() seen[i] = exchange(timeout) end)
    end
    loop:run()
    return seen
end

-- {======================================================
-- Points
-- =======================================================}

local function judge_one(where, seen, harmless)
    if not seen then return complain(where .. ": a task did not end") end
    local err = seen.err
    endings[err and err.kind or "an answer"] = (endings[err and err.kind or "an answer"] or 0) + 1
    if seen.late > LATE then complain(("%s: %.3f s late"):format(where, seen.late)) end
    if not err then return seen.right or complain(where .. ": a wrong answer") end
    if not KINDS[err.kind] or harmless then complain(("%s: %s"):format(where, tostring(err))) end
end

-- How many requests of this point have arrived, the one that asks not among them.
local function arrived(where)
    local seen = exchange(LONG)
    if seen.err or not seen.right then
        complain(("%s: the next call: %s"):format(where, tostring(seen.err)))
        return nil
    end
    return seen.count - 1
end

local function judge_arrived(where, seen)
    local count = arrived(where)
    if not count then return end
    local least, most = 0, 0
    for _, one in pairs(seen) do
        if not one.err then least = least + 1 end
        if not one.err or one.err.acted ~= "no" then most = most + 1 end
    end
    if count < least or count > most then
        complain(("%s: %d requests arrived, not %d to %d"):format(where, count, least, most))
    end
end

local function run(way, name, nth, lasting, fault)
    local where = ("%s: call %d of %s%s: %s"):format(way.name, nth, name,
        lasting and " and all after it" or "", fault)
    local harmless = HARMLESS[name] and HARMLESS[name][fault] and not lasting
    points = points + 1
    way.before()
    local ok, seen = sockets.under(name, nth, lasting, fault, function()
        return way.call(lasting and ENDLESS[fault] and SOON or LONG)
    end)
    if not ok then return complain(where .. ": raised: " .. tostring(seen)) end
    for i = 1, way.exchanges do judge_one(where, seen[i], harmless) end
    judge_arrived(where, seen)
    core.engine():close()
    local descriptors = host.descriptors()
    if descriptors ~= way.descriptors then
        complain(("%s: %d descriptors, before %d"):format(where, descriptors, way.descriptors))
    end
end

local function each_fault(way, name, nth)
    for _, list in ipairs { sockets.errors, ENDINGS[name] or {} } do
        for _, fault in ipairs(list) do
            for _, lasting in ipairs { false, true } do
                if math.random(way.stride) == 1 then run(way, name, nth, lasting, fault) end
            end
        end
    end
end

-- The names of the calls that are made, in the same order each time, and how many there are.
local function calls_of(way)
    way.before()
    local counts, names = sockets.count(function() return way.call(LONG) end), {}
    for name, count in pairs(counts) do
        assert(count <= MOST, "too many calls of " .. name)
        if count > 0 then names[#names + 1] = name end
    end
    table.sort(names)
    return names, counts
end

local function torture(way)
    local before = points
    local names, counts = calls_of(way)
    core.engine():close()
    way.descriptors = host.descriptors()
    for _, name in ipairs(names) do
        for nth = 1, counts[name] do each_fault(way, name, nth) end
    end
    collectgarbage()
    collectgarbage()
    if host.leaks() then complain(way.name .. ": memory that nothing points at") end
    print(("%-24s %2d calls, %5d points"):format(way.name, #names, points - before))
end

local function before(secure, is_kept)
    return function()
        client = new_client(secure)
        if is_kept then assert(exchange(LONG, 0).right) end
    end
end

for _, secure in ipairs { false, true } do
    local name, some = secure and ", TLS" or "", secure and tonumber(stride) or 1
    torture { name = "blocking" .. name, before = before(secure), call = blocking,
        exchanges = 1, stride = some }
    torture { name = "a kept connection" .. name, before = before(secure, true), call = blocking,
        exchanges = 1, stride = 1 }
    torture { name = "to the end" .. name, before = before(secure, true), call = to_the_end,
        exchanges = 1, stride = some }
    torture { name = "two tasks" .. name, before = before(secure), call = in_tasks,
        exchanges = 2, stride = tonumber(stride) }
end

for kind, count in pairs(endings) do print(("%6d %s"):format(count, kind)) end
print(("%d faults|%d"):format(points, wrong))
os.exit(wrong == 0 and 0 or 1, true)
