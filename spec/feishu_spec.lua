-- The calls of Feishu and Lark, at the levels 2 and 1, and the following of a binding's sync.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

local SYNC = 0.6 -- seconds that a binding takes, in which a busy machine gets to look at it

support.sandbox { sync_seconds = SYNC }

local raises = pipeline.raises

local counter = 0

local function account(more)
    counter = counter + 1
    return ("feishu-spec-%d-%d@example.com%s"):format(counter, math.floor(core.now()), more or "")
end

local function an_account(more)
    return { admin_account = "admin@example.com", exchange_account = account(more) }
end

for _, service in ipairs { "feishu", "lark" } do
    describe(service, function()
        local known = support.sandbox()[service]
        local client = support.client(service)

        local function run(faults, call)
            return pipeline.run(service, faults, call)
        end

        it("makes a CalDAV account", function()
            local seen = run({}, function()
                return client:generate_caldav_conf { device_name = "iPhone" }
            end)
            assert.equal("iPhone", seen.result.device_name)
            assert.is_string(seen.result.password)
            assert.is_string(seen.result.user_name)
            assert.is_string(seen.result.server_address)
            assert.equal('{"device_name":"iPhone"}', seen.requests[1].body)
            assert.equal("", (client:generate_caldav_conf()).device_name)
            assert.equal("", (client:generate_caldav_conf {}).device_name)
        end)

        it("counts characters, not bytes", function()
            local longest = ("是"):rep(100)
            assert.equal(longest,
                (client:generate_caldav_conf { device_name = longest }).device_name)
            local _, err = client:generate_caldav_conf { device_name = longest .. "x" }
            assert.equal("body.device_name", err.field)
        end)

        it("binds, reads and unbinds an Exchange account", function()
            local given = an_account()
            given.user_id = "ou_someone"
            local seen = run({}, function()
                return client:create_exchange_binding(given, { user_id_type = "open_id" })
            end)
            local binding = seen.result
            assert.equal("user_id_type=open_id", seen.requests[1].query)
            assert.equal(given.exchange_account, binding.exchange_account)
            assert.equal("ou_someone", binding.user_id)
            assert.equal("doing", binding.status)
            local id = binding.exchange_binding_id
            local read = client:get_exchange_binding(id, { user_id_type = "union_id" })
            assert.equal(id, read.exchange_binding_id)
            assert.is_true((client:delete_exchange_binding(id)))
            local _, err = client:get_exchange_binding(id)
            assert.equal("not_found", err.kind)
            assert.equal(195103, err.code)
        end)

        it("reads the primary calendar", function()
            local first = client:primary_calendar { user_id_type = "open_id" }
            assert.matches("@group%.calendar%.", first.calendar.calendar_id)
            assert.matches("^ou_", first.user_id)
            assert.matches("^on_", (client:primary_calendar { user_id_type = "union_id" }).user_id)
            assert.equal("-1", tostring(first.calendar.color))
        end)

        it("has not_found for an identity without a calendar", function()
            local result, err, meta = client:primary_calendar {
                token = known.no_calendar_access_token }
            assert.is_nil(result)
            assert.equal("not_found", err.kind)
            assert.equal("no_primary_calendar", err.name)
            assert.equal(meta.log_id, err.log_id)
            assert.equal("calendar.v4.calendar.primary", err.operation)
            assert.equal(service, err.service)
            assert.equal("yes", err.acted)
            assert.is_false(err.retryable)
            local body = client.calendar.v4.calendar.primary {
                token = known.no_calendar_access_token }
            assert.same({}, body.data.calendars)
        end)

        it("has a mirror with the shapes of the documents", function()
            local v4 = client.calendar.v4
            local body = v4.setting.generate_caldav_conf { body = { device_name = "iPhone" } }
            assert.equal("0", tostring(body.code))
            assert.equal("success", body.msg)
            assert.equal("iPhone", body.data.device_name)
            body = v4.calendar.primary { query = { user_id_type = "open_id" } }
            assert.matches("^ou_", body.data.calendars[1].user_id)
            assert.is_table((v4.calendar.primary()))
            body = v4.exchange_binding.create { query = { user_id_type = "open_id" },
                body = an_account() }
            local path = { exchange_binding_id = body.data.exchange_binding_id }
            body = v4.exchange_binding.get { path = path, query = { user_id_type = "open_id" } }
            assert.equal(path.exchange_binding_id, body.data.exchange_binding_id)
            body = v4.exchange_binding.delete { path = path }
            assert.equal("0", tostring(body.code))
        end)

        it("percent-encodes ids", function()
            local seen = run({}, function() return client:get_exchange_binding("a/b+c= ?#%") end)
            assert.equal("/open-apis/calendar/v4/exchange_bindings/a%2Fb%2Bc%3D%20%3F%23%25",
                seen.requests[1].path)
            assert.equal(195103, seen.err.code)
        end)

        it("refuses unknown body fields and bad values as data", function()
            local cases = {
                { function() return client:generate_caldav_conf { device_nam = "x" } end,
                  "body.device_nam" },
                { function() return client:generate_caldav_conf { device_name = 5 } end,
                  "body.device_name" },
                { function() return client:create_exchange_binding { admin = "x" } end,
                  "body.admin" },
                { function() return client:create_exchange_binding { admin_account = "" } end,
                  "body.admin_account" },
                { function() return client:primary_calendar { user_id_type = "email" } end,
                  "query.user_id_type" },
                { function() return client:primary_calendar { user_id_type = 5 } end,
                  "query.user_id_type" },
                { function() return client:get_exchange_binding "" end,
                  "path.exchange_binding_id" },
                { function() return client:delete_exchange_binding "." end,
                  "path.exchange_binding_id" },
                { function() return client:get_exchange_binding "\255" end,
                  "path.exchange_binding_id" },
            }
            for _, case in ipairs(cases) do
                local seen = run({}, case[1])
                assert.equal("invalid_request", seen.err.kind)
                assert.equal(case[2], seen.err.field)
                assert.equal("check", seen.err.stage)
                assert.equal("no", seen.err.acted)
                assert.equal(0, #seen.requests)
            end
        end)

        it("raises for arguments of a wrong type", function()
            raises(function() client:generate_caldav_conf "iPhone" end, "must be a table")
            raises(function() client:generate_caldav_conf(5) end, "must be a table")
            raises(function() client:generate_caldav_conf({}, "x") end, "opts", "table")
            raises(function() client:create_exchange_binding "x" end, "must be a table")
            raises(function() client:create_exchange_binding({}, 5) end, "opts", "table")
            raises(function() client:get_exchange_binding() end, "exchange_binding_id")
            raises(function() client:get_exchange_binding(5) end, "exchange_binding_id")
            raises(function() client:get_exchange_binding {} end, "exchange_binding_id")
            raises(function() client:get_exchange_binding("x", 5) end, "opts", "table")
            raises(function() client:delete_exchange_binding() end, "exchange_binding_id")
            raises(function() client:delete_exchange_binding("x", true) end, "opts", "table")
            raises(function() client:wait_exchange_binding() end, "exchange_binding_id")
            raises(function() client:wait_exchange_binding("x", 5) end, "opts", "table")
            raises(function() client:wait_exchange_binding("x", false) end, "opts", "table")
            raises(function() client:primary_calendar "x" end, "opts", "table")
        end)

        it("raises for unknown names in opts", function()
            raises(function() client:generate_caldav_conf({}, { user_id_type = "open_id" }) end,
                "'user_id_type'")
            raises(function() client:create_exchange_binding({}, { user_id_typ = 1 }) end,
                "'user_id_typ'", "user_id_type")
            raises(function() client:get_exchange_binding("x", { max_wait = 1 }) end, "'max_wait'")
            raises(function() client:delete_exchange_binding("x", { user_id_type = 1 }) end,
                "'user_id_type'")
            raises(function() client:wait_exchange_binding("x", { intervall = 1 }) end,
                "'intervall'", "interval")
            raises(function() client:primary_calendar { repeatable = true } end, "'repeatable'")
            raises(function() client:primary_calendar { timeout = "1" } end, "'timeout'")
            raises(function() client:primary_calendar { token = 5 } end, "'token'")
            raises(function() client:primary_calendar { identity = "app" } end, "'identity'")
            raises(function() client:primary_calendar { headers = "x" } end, "'headers'")
            raises(function() client:primary_calendar { retry = true } end, "'retry'")
            raises(function() client:primary_calendar { raw = 1 } end, "'raw'")
        end)

        it("leaves the caller's tables alone", function()
            local opts = { user_id_type = "open_id", timeout = 5, interval = 1 }
            client:wait_exchange_binding("x", opts)
            assert.same({ user_id_type = "open_id", timeout = 5, interval = 1 }, opts)
        end)

        it("tells what the service refuses", function()
            local rows = { unknown = 195106, ["other-tenant"] = 195104, refused = 195105 }
            for word, code in pairs(rows) do
                local given = an_account()
                given.admin_account = word .. "@example.com"
                local _, err = client:create_exchange_binding(given)
                assert.equal(code, err.code)
                assert.equal("no", err.acted)
                assert.equal("call", err.stage)
            end
            local _, err = client:create_exchange_binding(an_account(),
                { token = known.member_access_token })
            assert.equal("permission_denied", err.kind)
        end)
    end)
end

describe("the hosts", function()
    it("are the services' own", function()
        assert.equal("cloudcal.feishu (https://open.feishu.cn)", tostring(cloudcal.feishu {}))
        assert.equal("cloudcal.lark (https://open.larksuite.com)", tostring(cloudcal.lark {}))
    end)
end)

describe("every code of the table", function()
    local KINDS = {
        rate_limited = { 190004, 190005, 190010, 99991400 },
        quota_exhausted = { 99991403 },
        service_error = { 190003, 20050, 20072 },
        unauthenticated = { 99991661, 99991663, 99991664, 99991665, 99991668, 99991671, 99991677,
                            4001, 20005, 20006, 20013, 20014 },
        login_required = { 99991679, 99991669, 20068 },
        app_setup = { 190006, 190007, 99991672, 99991401, 20074 },
        permission_denied = { 195101, 191002, 99991676 },
        not_found = { 195103, 191000, 191003 },
        invalid_request = { 190002, 191001, 191004, 195102, 195106, 99992402, 99991201 },
        rejected = { 195100, 195104, 195105 },
    }

    for kind, list in pairs(KINDS) do
        it("that means " .. kind, function()
            local client = support.client "feishu"
            for _, code in ipairs(list) do
                local seen = pipeline.run("feishu", {}, function()
                    return client:primary_calendar { retry = false,
                        headers = { ["X-Sandbox-Fault"] = tostring(code) } }
                end)
                assert.equal(kind, seen.err.kind, tostring(code))
                assert.equal(tostring(code), tostring(seen.err.code))
                assert.equal(kind == "service_error" and "maybe" or "no", seen.err.acted)
                local passing = kind == "rate_limited" or kind == "service_error"
                assert.equal(passing, seen.err.retryable)
                assert.is_string(seen.err.name)
                assert.is_true(#seen.err.hint > 0 and #seen.err.hint_zh > 0)
            end
        end)
    end
end)

describe("wait_exchange_binding", function()
    local client = support.client "feishu"

    local function bound(more)
        return assert(client:create_exchange_binding(an_account(more))).exchange_binding_id
    end

    it("waits until the sync is done, and tells of the progress", function()
        local states = {}
        local id = bound()
        local binding, err, meta = client:wait_exchange_binding(id, { interval = 0.03,
            max_wait = 5, on_progress = function(seen) states[#states + 1] = seen.status end })
        assert.is_nil(err)
        assert.equal("done", binding.status)
        assert.equal(id, binding.exchange_binding_id)
        assert.equal(200, meta.status)
        assert.equal("done", states[#states])
        assert.is_true(#states >= 3 and states[1] ~= "done")
    end)

    it("asks for the user id that is wanted", function()
        local seen = pipeline.run("feishu", {}, function()
            return client:wait_exchange_binding(bound(), { interval = SYNC + 0.05,
                user_id_type = "union_id" })
        end)
        assert.matches("^on_", seen.result.user_id)
        assert.equal("user_id_type=union_id", seen.requests[2].query)
    end)

    it("fails as rejected when the sync fails", function()
        local id = bound ".sync-error"
        local seen = pipeline.run("feishu", {}, function()
            return client:wait_exchange_binding(id, { interval = 0.05, max_wait = 5 })
        end)
        assert.equal("rejected", seen.err.kind)
        assert.equal("exchange_sync_failed", seen.err.name)
        assert.equal("err", seen.err.body.status)
        assert.equal(id, seen.err.body.exchange_binding_id)
        assert.is_false(seen.err.retryable)
        assert.equal("calendar.v4.exchange_binding.get", seen.err.operation)
        assert.equal(seen.meta.log_id, seen.err.log_id)
    end)

    it("is late as timeout, with the last binding", function()
        local id = bound()
        local seen = pipeline.run("feishu", {}, function()
            return client:wait_exchange_binding(id, { interval = 0.02, max_wait = 0.1 })
        end)
        assert.equal("timeout", seen.err.kind)
        assert.equal("exchange_sync_late", seen.err.name)
        assert.equal(id, seen.err.body.exchange_binding_id)
        assert.is_true(seen.err.retryable)
        assert.is_true(seen.elapsed < 10)
        assert.is_true(#seen.requests >= 2)
    end)

    it("looks at once, and not too often", function()
        local id = bound()
        core.sleep(SYNC + 0.05)
        local seen = pipeline.run("feishu", {}, function()
            return client:wait_exchange_binding(id)
        end)
        assert.equal("done", seen.result.status)
        assert.equal(1, #seen.requests)
        assert.equal(0, seen.meta.waited)
    end)

    it("survives what passes", function()
        for _, fault in ipairs { "truncated", "html_502", "190004", "190003", "reset" } do
            local id = bound()
            local seen = pipeline.run("feishu", { fault, fault }, function()
                return client:wait_exchange_binding(id, { interval = 0.05, max_wait = 10,
                    retry = false })
            end)
            assert.is_nil(seen.err)
            assert.equal("done", seen.result.status)
        end
    end)

    it("does not outlive max_wait when the service hangs", function()
        local id = bound()
        local seen = pipeline.run("feishu", { "none", "stalled" }, function()
            return client:wait_exchange_binding(id, { interval = 0.01, max_wait = 0.15 })
        end)
        assert.equal("timeout", seen.err.kind)
        assert.equal(id, seen.err.body.exchange_binding_id)
        assert.is_true(seen.elapsed < 10)
    end)

    it("ends at once for what does not pass", function()
        local seen = pipeline.run("feishu", {}, function()
            return client:wait_exchange_binding("bm9uZQ==", { max_wait = 60 })
        end)
        assert.equal("not_found", seen.err.kind)
        assert.equal(1, #seen.requests)
        local id = bound()
        seen = pipeline.run("feishu", { "none", "195101" }, function()
            return client:wait_exchange_binding(id, { interval = 0.01, max_wait = 60 })
        end)
        assert.equal("permission_denied", seen.err.kind)
        assert.equal(id, seen.err.body.exchange_binding_id)
        assert.equal(2, #seen.requests)
    end)

    it("says so when it never got an answer", function()
        local nobody = cloudcal.feishu { base_url = "https://127.0.0.1:1",
            user_access_token = "u-x", retry = false }
        local result, err, meta = nobody:wait_exchange_binding("x", { interval = 0.02,
            max_wait = 0.1 })
        assert.is_nil(result)
        assert.equal("network", err.kind)
        assert.is_table(meta)
    end)

    it("raises for bad options", function()
        raises(function() client:wait_exchange_binding("x", { max_wait = 0 }) end, "'max_wait'")
        raises(function() client:wait_exchange_binding("x", { max_wait = "1" }) end, "'max_wait'")
        raises(function() client:wait_exchange_binding("x", { interval = -1 }) end, "'interval'")
        raises(function() client:wait_exchange_binding("x", { interval = 0 / 0 }) end, "'interval'")
        raises(function() client:wait_exchange_binding("x", { interval = {} }) end, "'interval'")
        raises(function() client:wait_exchange_binding("x", { on_progress = 1 }) end,
            "'on_progress'")
    end)

    it("passes on what on_progress raises", function()
        assert.has_error(function()
            client:wait_exchange_binding(bound(), { on_progress = function() error("stop", 0) end })
        end, "stop")
    end)
end)
