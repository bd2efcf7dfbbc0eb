local peer = require "spec.peer"
local support = require "spec.support"

local PRIMARY = "/open-apis/calendar/v4/calendars/primary"

describe("src/bytes.c", function()
    it("keeps its ceiling, wipes what it gives back, and outlives the end of memory", function()
        local program = peer.program("bytes_test",
            "$(pkg-config --cflags --libs lua5.4 libcurl openssl)")
        assert.equal("fine\n", (peer.shell(program)))
    end)
end)

describe("a body's ceiling", function()
    local function fetch(bytes, ceiling, fault)
        return support.exchange(support.exchange_options("feishu", PRIMARY, {
            method = "POST", headers = { "X-Sandbox-Fault: " .. (fault or "big_body:" .. bytes) },
            max_response_bytes = ceiling,
        }))
    end

    it("lets a body of just that size through", function()
        for _, size in ipairs { 1000, 1024, 65536, 300001 } do
            local status, _, body = fetch(size, size)
            assert.equal("number", type(status))
            assert.equal(size, #body)
        end
    end)

    it("refuses one byte more by what Content-Length says", function()
        for _, size in ipairs { 1000, 1024, 65536, 300001 } do
            local status, code, _, sent = fetch(size, size - 1)
            assert.is_nil(status)
            assert.equal(63, code)
            assert.is_true(sent)
        end
    end)

    it("ends a body of unknown length as soon as it is over", function()
        local status, code, _, sent, http = fetch(nil, 100000, "endless_body")
        assert.is_nil(status)
        assert.equal(1001, code)
        assert.is_true(sent)
        assert.equal("number", type(http))
    end)
end)
