-- One login in one file, used by eight processes: it is renewed once, whoever is killed.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local files = require "spec.files"
local lua = require "spec.lua"
local peer = require "spec.peer"
local support = require "spec.support"

local TOKEN = "/open-apis/authen/v2/oauth/token"
local WORKERS, ROUNDS = 8, 100

local known = support.sandbox().feishu
local ca_file = support.sandbox().ca_file

-- A worker reads a line, makes a call, and writes a line of its number, the round and the outcome.
local WORKER = [==[
local cloudcal, core = require "cloudcal", require "cloudcal.core"
local path, base_url, ca_file, app_id, app_secret, out = (table.unpack or unpack)(arg)
local client = cloudcal.feishu {
    base_url = base_url, ca_file = ca_file, app_id = app_id, app_secret = app_secret,
    store = cloudcal.stores.file(path), rate_limit = false, retry = { max_delay = 0.01 },
}
local file = assert(io.open(out, "a"))
file:setvbuf "line"
local pid = assert(io.open("/proc/self/stat")):read("*n")
file:write("pid ", ("%d"):format(pid), "\n")
for round in io.lines() do
    local result, err = client:generate_caldav_conf()
    file:write(round, " ", result and "ok" or err.kind .. "/" .. tostring(err.name) .. "/"
        .. tostring(err.hint ~= nil), "\n")
end
]==]

local folder = assert(peer.shell "mktemp -d"):match("%S+")
local path, script = folder .. "/tokens.json", folder .. "/worker.lua"

local write = files.write

local function lines_of(name)
    local lines, file = {}, io.open(name)
    if not file then return lines end
    -- a line may be in the making
    for line in (file:read("*a")):gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
    file:close()
    return lines
end

local function wait_for(what, condition)
    local deadline = core.now() + 30
    while true do
        local value = condition()
        if value then return value end
        assert(core.now() < deadline, "waited in vain for " .. what)
        core.sleep(0.002)
    end
end

local started = 0

local function start()
    started = started + 1
    local out = ("%s/out.%d"):format(folder, started)
    local words = { lua.command(), script, path, known.base_url, ca_file, known.app_id,
                    known.app_secret, out }
    local pipe = io.popen("exec env " .. table.concat(words, " "), "w")
    local line = wait_for("a worker", function() return lines_of(out)[1] end)
    return { pipe = pipe, out = out, pid = line:match("%d+"), seen = 1 }
end

local function tell(worker, round)
    worker.pipe:write(round, "\n")
    worker.pipe:flush()
end

local function answer_of(worker, round)
    local line = wait_for("an answer", function() return lines_of(worker.out)[worker.seen + 1] end)
    worker.seen = worker.seen + 1
    local number, outcome = line:match("^(%d+) (.*)$")
    assert.equal(round, tonumber(number))
    return outcome
end

local function kill(worker)
    peer.shell("kill -KILL " .. worker.pid)
    worker.pipe:close()
end

local function log_in()
    local client = support.client("feishu", {
        app_id = known.app_id, app_secret = known.app_secret, store = cloudcal.stores.file(path),
    })
    local url, _, meta = client:authorization_url { redirect_uri = "https://app.example/" }
    local _, head = support.exchange(support.exchange_options("feishu", "", { url = url }))
    local code = head:match("[?&]code=([^&\r\n]+)")
    cloudcal.assert(client:exchange_code { code = code, code_verifier = meta.code_verifier })
    return client
end

local function refreshes()
    local state = support.state "feishu"
    return state.refreshes, state.refresh_attempts
end

describe("a login that eight processes share", function()
    local workers = {}

    setup(function()
        write(script, WORKER)
        log_in()
        for i = 1, WORKERS do workers[i] = start() end
    end)

    teardown(function()
        for _, worker in ipairs(workers) do worker.pipe:close() end
        peer.shell("rm -rf " .. folder)
    end)

    before_each(function() support.clear "feishu" end)

    it(("is renewed exactly once in each of %d rounds"):format(ROUNDS), function()
        for round = 1, ROUNDS do
            support.revoke("feishu", "user")
            local before, before_attempts = refreshes()
            for _, worker in ipairs(workers) do tell(worker, round) end
            for _, worker in ipairs(workers) do
                assert.equal("ok", answer_of(worker, round))
            end
            local after, after_attempts = refreshes()
            assert.equal(before + 1, after)
            assert.equal(before_attempts + 1, after_attempts)
        end
    end)

    -- The one that is killed may be the one that renews, at any point of it.
    it(("survives a kill, or is lost once for all, in each of %d rounds"):format(ROUNDS), function()
        local seed = math.floor(core.random() * 2 ^ 31)
        math.randomseed(seed)
        local outcomes = { ok = 0, lost = 0 }
        for round = 1, ROUNDS do
            local where = ("seed %d, round %d"):format(seed, round)
            support.revoke("feishu", "user")
            support.clear "feishu"
            support.path_faults("feishu", TOKEN, "slow:0.02")
            local _, before = refreshes()
            local victim = math.random(WORKERS)
            -- the victim has a start, so that it often is the one that renews
            tell(workers[victim], round)
            core.sleep(math.random() * 0.005)
            for i, worker in ipairs(workers) do
                if i ~= victim then tell(worker, round) end
            end
            core.sleep(math.random() * 0.04)
            kill(workers[victim])
            local seen = {}
            for i, worker in ipairs(workers) do
                if i ~= victim then seen[answer_of(worker, round)] = true end
            end
            local _, after = refreshes()
            local lost = seen["login_required/login_lost/true"]
            -- all the others see the same, one refresh token is sent once
            assert.equal(lost and "login_required/login_lost/true" or "ok", next(seen), where)
            assert.is_nil(next(seen, (next(seen))), where)
            assert.is_true(after - before <= 1, where)
            assert.is_true(lost or after - before == 1, where)
            outcomes[lost and "lost" or "ok"] = outcomes[lost and "lost" or "ok"] + 1
            if lost then log_in() end
            workers[victim] = start()
        end
        assert.is_true(outcomes.ok > 0 and outcomes.lost > 0,
            ("ok %d, lost %d"):format(outcomes.ok, outcomes.lost))
    end)

    it("frees the lock of who was killed while the answer was on its way", function()
        log_in()
        support.revoke("feishu", "user")
        support.path_faults("feishu", TOKEN, "slow:1")
        local _, before = refreshes()
        tell(workers[1], 1)
        wait_for("the refresh", function()
            local _, now = refreshes()
            return now > before
        end)
        tell(workers[2], 1)
        kill(workers[1])
        local began = core.now()
        assert.equal("login_required/login_lost/true", answer_of(workers[2], 1))
        assert.is_true(core.now() - began < 5)
        for i = 3, WORKERS do
            tell(workers[i], 1)
            assert.equal("login_required/login_lost/true", answer_of(workers[i], 1))
        end
        local _, after = refreshes()
        assert.equal(before + 1, after)
        workers[1] = start()
        log_in()
        tell(workers[1], 1)
        assert.equal("ok", answer_of(workers[1], 1))
    end)

    it("is not lost with who is killed before the request", function()
        log_in()
        support.revoke("feishu", "user")
        -- it holds the lock of the login, and has not sent anything
        local key = table.concat({ "login", known.base_url, known.app_id, "", "" }, "\n")
        local holder = folder .. "/holder.lua"
        write(holder, ([[
            local store = require("cloudcal").stores.file(%q)
            print((store:try_lock(%q, 60)))
            io.stdout:flush()
            io.read()
        ]]):format(path, key))
        local ready = folder .. "/ready"
        local pipe = io.popen(("echo $$ >%s; exec env %s %s >>%s"):format(
            ready, lua.command(), holder, ready), "w")
        local pid = wait_for("the lock", function()
            local lines = lines_of(ready)
            return lines[2] == "true" and lines[1]
        end)
        local before = refreshes()
        tell(workers[1], 1)
        core.sleep(0.05)
        assert.equal(before, (refreshes()))
        peer.shell("kill -KILL " .. pid)
        pipe:close()
        assert.equal("ok", answer_of(workers[1], 1))
        assert.equal(before + 1, (refreshes()))
    end)
end)
