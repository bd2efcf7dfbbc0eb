local core = require "cloudcal.core"
local peer = require "spec.peer"
local support = require "spec.support"

describe("the core", function()
    it("says which libraries it runs with", function()
        assert.matches("^%d+%.%d+%.%d+", core.versions.libcurl)
        assert.matches("^OpenSSL/%d", core.versions.tls)
        assert.matches("^%d+%.%d+%.%d+", core.versions.openssl)
    end)

    it("knows a steady time and the time of day", function()
        local before = core.now()
        assert.is_true(core.now() >= before)
        assert.is_true(math.abs(core.time() - os.time()) < 2)
        core.sleep(0.05)
        local slept = core.now() - before
        assert.is_true(slept >= 0.05 and slept < 2)
    end)

    it("does not sleep for nothing", function()
        local before = core.now()
        for _, seconds in ipairs { 0, -1, 0 / 0, -math.huge } do core.sleep(seconds) end
        assert.is_true(core.now() - before < 1)
        assert.error(function() core.sleep() end)
        assert.error(function() core.sleep "long" end)
    end)

    it("has random numbers from 0 to 1 that do not repeat", function()
        local seen, sum = {}, 0
        for _ = 1, 1000 do
            local number = core.random()
            assert(number >= 0 and number < 1 and not (seen[number] and seen[number] > 1))
            seen[number] = (seen[number] or 0) + 1
            sum = sum + number
        end
        assert.is_true(sum > 400 and sum < 600)
    end)

    it("has one engine for each Lua state", function()
        assert.equal(core.engine(), core.engine())
        assert.is_true(rawequal(core.engine(), core.engine()))
    end)

    it("does no I/O when it is loaded", function()
        local output = peer.script [[
            local function count()
                local number = 0
                for descriptor = 0, 1023 do
                    local file = io.open("/proc/self/fdinfo/" .. descriptor)
                    if file then
                        file:close()
                        number = number + 1
                    end
                end
                return number
            end
            local before = count()
            local core = require "cloudcal.core"
            core.engine()
            print(before == count(), tostring(core.engine()), core.engine():timeout())
            print(core.engine():step(0), core.engine():step(10))
        ]]
        assert.equal("true\tcloudcal.engine (0 under way)\tnil\n0\t0\n", output)
    end)
end)

describe("a host that opens and closes Lua states", function()
    local CALL = [[
        local core = require "cloudcal.core"
        local function options(fault)
            return { url = given.url, ca_file = given.ca_file, method = "GET", user_agent = "spec",
                     timeout = 10, connect_timeout = 10, max_response_bytes = 1e6,
                     max_connections = 4, headers = { "X-Sandbox-Fault: " .. fault } }
        end
        local transfer = assert(core.engine():submit(options "none"))
        while not transfer:done() do core.engine():step(1) end
        print((transfer:take()))
        left = {}
        for i = 1, 3 do left[i] = assert(core.engine():submit(options "stalled")) end
        for _ = 1, 10 do core.engine():step(0.005) end
    ]]

    it("keeps the core mapped, and calls work in each", function()
        local sandbox = support.sandbox()
        local output, ok = peer.host(CALL, {
            url = sandbox.feishu.base_url .. "/open-apis/calendar/v4/calendars/primary",
            ca_file = sandbox.ca_file }, 3)
        assert.equal(("404\nclosed; core mapped\n"):rep(3), output)
        assert.is_true(ok)
    end)

    it("may close them in any order with transfers that are kept, lost or cancelled", function()
        local sandbox = support.sandbox()
        local output, ok = peer.host(CALL .. [[
            if state == 1 then core.engine():close() end
            if state == 2 then left[1]:cancel() left = nil collectgarbage() end
            if state == 3 then
                left.ring = require("spec.lua").at_end(function()
                    for i = 1, 3 do left[i]:cancel() end
                    core.engine():step(0)
                    core.engine():close()
                    local late = core.engine():submit(options "none")
                    core.engine():step(0.01)
                end)
            end
        ]], { url = sandbox.feishu.base_url .. "/", ca_file = sandbox.ca_file }, 4)
        assert.equal(("404\nclosed; core mapped\n"):rep(4), output)
        assert.is_true(ok)
    end)
end)

describe("random_bytes", function()
    it("gives as many bytes as asked for, never the same", function()
        local seen = {}
        for n = 1, 256 do
            local bytes = core.random_bytes(n)
            assert.equal(n, #bytes)
            if n >= 16 then
                assert.is_nil(seen[bytes:sub(1, 16)])
                seen[bytes:sub(1, 16)] = true
            end
        end
    end)

    it("gives every byte", function()
        local seen, count = {}, 0
        for _ = 1, 100 do
            for byte in core.random_bytes(256):gmatch "." do
                if not seen[byte] then count = count + 1 end
                seen[byte] = true
            end
        end
        assert.equal(256, count)
    end)

    it("refuses other numbers", function()
        for _, n in ipairs { 0, -1, 257, 1.5, 2 ^ 40, 0 / 0, 1 / 0 } do
            assert.error_matches(function() core.random_bytes(n) end, "1 to 256")
        end
        assert.error(function() core.random_bytes() end)
    end)
end)
