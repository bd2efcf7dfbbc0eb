-- The table of "when a call is sent again" row by row, and its laws on a simulated clock.
local errors = require "cloudcal.errors"
local random_of = require "spec.random"
local response = require "cloudcal.response"
local retry = require "cloudcal.retry"
local codes = require "cloudcal.codes"
local simulated = require "spec.simulated"

local function error_of(fields, repeatable)
    fields.message = "m"
    return errors.new(fields, { service_name = "feishu", operation = "x", repeatable = repeatable })
end

local function situation(changes)
    local all = { attempt = 1, max_attempts = 3, max_delay = 20, remaining = 30, random = 0.5,
                  token_refused = false, can_renew = false, clock_corrected = false,
                  budget = retry.BUDGET }
    for name, value in pairs(changes or {}) do all[name] = value end
    return all
end

local function decide(fields, repeatable, changes)
    return (retry.decide(error_of(fields, repeatable), situation(changes)))
end

-- As the core ends an exchange: libcurl's number, and whether bytes may have left.
local function failed(number, sent)
    return response.transport_error(number, "", sent)
end

local function coded(code, acted)
    local row = codes.find(code)
    return { kind = row.kind, code = code, acted = acted or "no" }
end

local TOKEN_REFUSED = { 99991663, 99991664, 99991665, 99991668, 99991671, 99991677, 4001,
                        20005, 20006, 20013, 20014 }

describe("a call is sent again", function()
    for _, repeatable in ipairs { true, false } do
        describe(repeatable and "(repeatable)" or "(not repeatable)", function()
            it("when it was not sent: DNS, connect, handshake cut", function()
                for _, number in ipairs { 5, 6, 7, 1006 } do
                    for _, sent in ipairs { true, false } do
                        assert.equal(0.25, decide(failed(number, sent), repeatable))
                    end
                end
                assert.equal(0.25, decide(failed(28, false), repeatable))
            end)

            it("not when certificate, host name or CA are wrong", function()
                for _, number in ipairs { 35, 60, 77, 83, 90, 91 } do
                    assert.is_nil(decide(failed(number, false), repeatable))
                    assert.is_nil(decide(failed(number, true), repeatable))
                end
            end)

            it("when refused before acting, after the named time or a backoff", function()
                for _, code in ipairs { 190004, 190005, 190010, 99991400 } do
                    local fields = coded(code)
                    assert.equal(0.25, decide(fields, repeatable))
                    fields.retry_after = 7
                    assert.equal(7, decide(fields, repeatable))
                    fields.retry_after = 20
                    assert.equal(20, decide(fields, repeatable))
                    fields.retry_after = 20.5
                    assert.is_nil(decide(fields, repeatable))
                    fields.retry_after = 7
                    assert.is_nil(decide(fields, repeatable, { remaining = 7 }))
                end
                assert.equal(3, decide({ name = "http_too_many_requests", retry_after = 3 },
                    repeatable))
            end)

            it("when the token was refused and another is to be had, once", function()
                for _, code in ipairs(TOKEN_REFUSED) do
                    local changes = { token_refused = true, can_renew = true }
                    assert.equal(0, decide(coded(code), repeatable, changes))
                    changes.can_renew = false
                    assert.is_nil(decide(coded(code), repeatable, changes))
                end
            end)

            it("when the clock was corrected after a refusal", function()
                assert.equal(0, decide({ kind = "rejected" }, repeatable,
                    { clock_corrected = true }))
            end)

            it("not for other refusals", function()
                for _, code in ipairs { 99991403, 190002, 190006, 190007, 195100, 195101, 195103,
                                        191002, 99991672, 99991679, 99991661, 195105 } do
                    assert.is_nil(decide(coded(code), repeatable))
                end
            end)

            it("not after an answer that cannot be used", function()
                for _, acted in ipairs { "no", "maybe", "yes" } do
                    for _, kind in ipairs { "bad_response", "too_large", "cancelled",
                                            "out_of_memory", "invalid_request" } do
                        assert.is_nil(decide({ kind = kind, acted = acted }, repeatable))
                    end
                end
                assert.is_nil(decide({ kind = "timeout", acted = "yes" }, repeatable))
            end)

            it("after a maybe only if it is repeatable", function()
                local wanted = repeatable and 0.25 or nil
                for _, number in ipairs { 18, 28, 52, 55, 56, 65, 92, 1003, 1004 } do
                    assert.equal(wanted, (decide(failed(number, true), repeatable)))
                end
                assert.equal(wanted, (decide(coded(190003, "maybe"), repeatable)))
                assert.equal(wanted, (decide({ name = "http_server_error", acted = "maybe" },
                    repeatable)))
            end)

            it("never when out of attempts or of time", function()
                for _, fields in ipairs { failed(7, false), coded(190004), coded(99991663) } do
                    local renew = { token_refused = fields.code == 99991663, can_renew = true }
                    renew.attempt = 3
                    assert.is_nil(decide(fields, repeatable, renew))
                    renew.attempt, renew.remaining = 1, 0
                    assert.is_nil(decide(fields, repeatable, renew))
                    renew.remaining = -1
                    assert.is_nil(decide(fields, repeatable, renew))
                end
            end)
        end)
    end

    it("not with a new signature or token when the first may have been acted on", function()
        for _, changes in ipairs { { clock_corrected = true },
                                   { token_refused = true, can_renew = true } } do
            assert.is_nil(decide({ kind = "rejected", acted = "maybe" }, false, changes))
            assert.is_nil(decide({ kind = "rejected", acted = "yes" }, true, changes))
        end
        assert.is_nil(decide({ kind = "rate_limited", acted = "maybe" }, false))
    end)

    it("after the time that an answer names, whatever the answer is", function()
        local fields = { name = "http_server_error", acted = "maybe", retry_after = 9 }
        assert.equal(9, decide(fields, true))
        assert.is_nil(decide(fields, false))
        fields.retry_after = 21
        assert.is_nil(decide(fields, true))
    end)

    it("while the budget of the service lasts: 5 a retry, 10 one after a timeout", function()
        local function cost(fields, changes)
            local pause, _, taken = retry.decide(error_of(fields, true), situation(changes))
            return taken, pause
        end
        assert.equal(5, (cost(failed(7, false))))
        assert.equal(5, (cost(coded(190004))))
        assert.equal(10, (cost(failed(28, true))))
        for _, budget in ipairs { 0, 4 } do
            local taken, pause = cost(failed(7, false), { budget = budget })
            assert.same({ 0 }, { taken, pause })
        end
        assert.equal(5, (cost(failed(7, false), { budget = 5 })))
        assert.equal(0, (cost(failed(28, true), { budget = 9 })))
        -- what costs the service nothing costs nothing
        local taken, pause = cost(coded(99991663), { token_refused = true, can_renew = true,
                                                     budget = 0 })
        assert.same({ [2] = 0 }, { taken, pause })
        assert.equal(0, (cost(failed(7, false), { remaining = 0 })))
        assert.equal(500, retry.BUDGET)
        assert.equal(500, retry.earn(500))
        assert.equal(8, retry.earn(7))
    end)

    it("says why, and why not", function()
        for _, fields in ipairs { failed(7, false), coded(190004), coded(99991403) } do
            local _, reason = retry.decide(error_of(fields, true), situation())
            assert.is_true(type(reason) == "string" and #reason > 5)
        end
    end)
end)

describe("the pause", function()
    it("doubles its bound up to max_delay", function()
        for attempt, bound in ipairs { 0.5, 1, 2, 4, 8, 16, 20, 20 } do
            local changes = { attempt = attempt, max_attempts = 100, random = 1 - 2 ^ -20 }
            local pause = decide(failed(7, false), false, changes)
            assert.is_true(pause < bound and pause > bound * 0.999, attempt .. " " .. pause)
            changes.random = 0
            assert.equal(0, decide(failed(7, false), false, changes))
            changes.max_delay, changes.random = 0, 0.9
            assert.equal(0, decide(failed(7, false), false, changes))
        end
        local late = { attempt = 99, max_attempts = 100, random = 0.5 }
        assert.equal(10, decide(failed(7, false), false, late))
    end)
end)

describe("random failures on a simulated clock", function()
    it("keep the laws, 10,000 times", function()
        local first, attempts = os.time(), 0
        for seed = first, first + 9999 do
            local kept, problem = pcall(simulated, random_of(seed))
            assert.is_true(kept, ("seed %d: %s"):format(seed, tostring(problem)))
            attempts = attempts + problem
        end
        assert.is_true(attempts > 12000, "hardly anything was sent again: " .. attempts)
    end)
end)
