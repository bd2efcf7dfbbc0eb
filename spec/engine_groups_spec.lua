--- src/engine.c: who hears of the end of an exchange, and the descriptor that tells.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local select = require("socket").select
local support = require "spec.support"

support.sandbox { rate = "off" }

local engine = core.engine()

-- What select takes for a descriptor.
local handle = {
    getfd = function() return engine:fd() end,
    dirty = function() return false end,
}

local function is_readable(seconds)
    return select({ handle }, nil, seconds or 0)[1] == handle
end

local function submit(group)
    return assert(engine:submit(support.exchange_options("feishu", "/_sandbox/requests", {
        group = group,
    })))
end

local function submit_slow(group, seconds)
    return assert(engine:submit(support.exchange_options("feishu",
        "/open-apis/calendar/v4/calendars/primary", {
            group = group, method = "POST", headers = { "X-Sandbox-Fault: slow:" .. seconds },
            timeout = 10,
        })))
end

local function run(...)
    local limit = core.now() + 10
    for _, transfer in ipairs { ... } do
        while not transfer:done() do
            assert(core.now() < limit, "it does not end")
            engine:step(0.1)
        end
    end
end

-- Nothing is left of the test before.
before_each(function()
    collectgarbage()
    collectgarbage()
    engine:close()
    for group = 1, engine:new_group() do
        while engine:next_ended(group) do end
    end
end)

describe("groups", function()
    it("are numbers that nobody else has", function()
        local seen = {}
        for _ = 1, 10 do
            local group = core.engine():new_group()
            assert.is_true(group > 0)
            assert.is_nil(seen[group])
            seen[group] = true
        end
    end)

    it("hear of their own exchanges only, each once", function()
        local first, second = engine:new_group(), engine:new_group()
        local a, ticket_a = engine:submit(support.exchange_options("feishu", "/a",
            { group = first }))
        local b, ticket_b = engine:submit(support.exchange_options("feishu", "/b",
            { group = second }))
        assert.is_number(ticket_a)
        assert.are_not.equal(ticket_a, ticket_b)
        run(a, b)
        assert.equal(ticket_b, engine:next_ended(second))
        assert.is_nil(engine:next_ended(second))
        assert.equal(ticket_a, engine:next_ended(first))
        assert.is_nil(engine:next_ended(first))
        assert.equal(404, (a:take()))
        assert.equal(404, (b:take()))
    end)

    it("hear in the order of the ends", function()
        local group = engine:new_group()
        local slow, slow_ticket = submit_slow(group, 0.15)
        local quick, quick_ticket = submit_slow(group, 0.01)
        run(slow, quick)
        assert.equal(quick_ticket, engine:next_ended(group))
        assert.equal(slow_ticket, engine:next_ended(group))
    end)

    it("hear nothing of an exchange without a group, or that was taken or dropped", function()
        local group = engine:new_group()
        local none, taken, dropped = submit(nil), submit(group), submit(group)
        run(none, taken, dropped)
        assert.equal(200, (taken:take()))
        dropped = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        assert.is_nil(engine:next_ended(group))
        assert.equal(200, (none:take()))
    end)

    it("hear of what was cancelled, and of what ends with the engine", function()
        local group = engine:new_group()
        local cancelled, ticket = submit_slow(group, 5)
        cancelled:cancel()
        assert.equal(ticket, engine:next_ended(group))
        local closed, other = submit_slow(group, 5)
        engine:step(0.01)
        engine:close()
        assert.is_true(closed:done())
        assert.equal(other, engine:next_ended(group))
        assert.is_nil(engine:next_ended(group))
    end)

    it("need a number", function()
        assert.has_error(function() engine:next_ended() end)
        assert.has_error(function() engine:next_ended("x") end)
        assert.is_nil(engine:next_ended(0))
        assert.is_nil(engine:next_ended(-1))
    end)
end)

describe("the descriptor", function()
    it("is one, and not readable when nothing is to do", function()
        local fd = engine:fd()
        assert.is_true(fd > 2)
        assert.equal(fd, engine:fd())
        assert.is_false(is_readable())
        assert.is_nil(engine:timeout())
    end)

    it("is readable when an answer came, and until a step was made", function()
        local transfer = submit(nil)
        assert.equal(0, engine:timeout())
        local limit = core.now() + 5
        repeat
            local due = engine:timeout()
            if due ~= 0 then assert.is_true(is_readable(math.min(due or 5, 5))) end
            engine:step(0)
        until transfer:done() or core.now() > limit
        assert.equal(200, (transfer:take()))
        assert.is_false(is_readable())
    end)

    it("is readable as long as an exchange of a group has ended unheard", function()
        local first, second = engine:new_group(), engine:new_group()
        local a, b = submit(first), submit(second)
        assert.is_number(engine:fd())
        run(a, b)
        for _, group in ipairs { first, second } do
            for _ = 1, 3 do
                assert.is_true(is_readable())
                assert.equal(0, engine:timeout())
                engine:step(0) -- which does not silence it
            end
            assert.is_number(engine:next_ended(group))
        end
        assert.is_false(is_readable())
        assert.is_nil(engine:timeout())
    end)

    it("tells of an end before it was first asked for", function()
        local transfer = submit(engine:new_group())
        run(transfer)
        assert.is_true(is_readable())
        transfer:take()
        assert.is_false(is_readable())
    end)

    it("is silent for exchanges without a group", function()
        local transfer = submit(nil)
        assert.is_number(engine:fd())
        run(transfer)
        assert.is_false(is_readable())
    end)

    it("falls silent when the ended exchange is dropped", function()
        local transfer = submit(engine:new_group())
        assert.is_number(engine:fd())
        run(transfer)
        assert.is_true(is_readable())
        transfer = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        assert.is_false(is_readable())
    end)

    it("is another one after the engine was closed, and tells of what ended so", function()
        local group = engine:new_group()
        local transfer = submit_slow(group, 5)
        assert.is_number(engine:fd())
        engine:step(0.01)
        engine:close()
        assert.is_true(transfer:done())
        assert.is_true(is_readable())
        assert.is_number(engine:next_ended(group))
        assert.is_false(is_readable())
    end)
end)

describe("two loops", function()
    local client = support.client("feishu", {
        user_access_token = support.sandbox().feishu.user_access_token, rate_limit = false,
    })

    local function ask(seconds)
        return client:primary_calendar { headers = { ["X-Sandbox-Fault"] = "slow:" .. seconds } }
    end

    it("wake each other when one makes the step in which the other's exchange ends", function()
        local one, other = cloudcal.loop(), cloudcal.loop()
        local task = one:spawn(ask, 0.1)
        one:step(0)
        assert.is_number(one:fd())
        other:spawn(cloudcal.sleep, 0.3)
        other:run() -- makes the steps
        assert.is_false(task:done())
        assert.equal(0, one:timeout())
        assert.is_true(one:dirty())
        assert.is_true(is_readable())
        one:step(0)
        assert.is_true(task:done())
        assert.is_table((task:result()))
        assert.is_nil(one:timeout())
        assert.is_false(is_readable())
    end)

    it("are both woken by a blocking call that makes the steps", function()
        local one, other = cloudcal.loop(), cloudcal.loop()
        local a, b = one:spawn(ask, 0.05), other:spawn(ask, 0.05)
        one:step(0)
        other:step(0)
        assert.is_table((ask(0.2)))
        assert.equal(0, one:timeout())
        assert.equal(0, other:timeout())
        one:step(0)
        assert.is_true(is_readable()) -- for the other one
        other:step(0)
        assert.is_true(a:done() and b:done())
        assert.is_false(is_readable())
    end)
end)
