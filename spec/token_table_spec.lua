-- The decision table for the codes of the platform: what the service sees after each code, and
-- what the user is told, for each way to have a token. The codes are typed here a second time.

local browser = require "spec.browser"
local cloudcal = require "cloudcal"
local lua = require "spec.lua"
local pipeline = require "spec.pipeline"
local support = require "spec.support"

local known = support.sandbox().feishu

-- {======================================================
-- The table: for each code its name; `does` names one of the decisions below. Each is tried with
-- the documented HTTP status and with these `statuses`. `at_token_stage`: the endpoints that give
-- out tokens answer with these codes too.
-- =======================================================}

local ROWS = {
    {
        about = "drop the token, get another one, repeat once", kind = "unauthenticated",
        does = "renew", at_token_stage = true, statuses = { 200, 400 },
        codes = [[
            99991663 tenant_token_refused   99991664 app_token_refused
            99991665 tenant_code_refused    99991668 user_token_refused
            99991677 user_token_expired     99991671 invalid_token_format
            20005 invalid_access_token      20006 user_access_token_expired
            20013 invalid_tenant_access_token
            20014 invalid_app_access_token  4001 invalid_token
        ]],
    },
    {
        about = "no token arrived", kind = "unauthenticated", does = "report",
        statuses = { 200, 400 }, codes = "99991661 token_missing",
    },
    {
        about = "rate limited: wait, repeat", kind = "rate_limited", does = "wait",
        at_token_stage = true, statuses = { 429, 400, 200 },
        codes = [[
            99991400 request_rate_limited   190004 method_rate_limited
            190005 app_rate_limited         190010 current_operation_rate_limited
            11232 create_message_service_trigger_rate_limit
            11233 create_message_chat_trigger_rate_limit
            11247 internal_send_message_trigger_rate_limit
            90217 toomanyrequest            232019 the_request_has_been_rate_limited
            1000004 method_rate_limited     1000005 app_rate_limited
        ]],
    },
    {
        about = "the month's calls are used up", kind = "quota_exhausted", does = "report",
        at_token_stage = true, statuses = { 200, 400, 429 },
        codes = "99991403 monthly_quota_exceeded",
    },
    {
        about = "the app lacks a scope", kind = "app_setup", does = "report",
        statuses = { 200, 400 },
        codes = "99991672 app_scope_missing  230027 permission_missing",
    },
    {
        about = "the token lacks a right", kind = "permission_denied", does = "report",
        statuses = { 200, 400 }, codes = "99991676 token_no_permission",
    },
    {
        about = "the user must authorise again", kind = "login_required", does = "report",
        at_token_stage = true, statuses = { 200, 400 },
        codes = "99991679 user_scope_missing  20068 scopes_not_granted",
    },
    {
        about = "credentials or state of the app", kind = "app_setup", does = "report",
        at_token_stage = true, statuses = { 200, 400 },
        codes = [[
            10003 invalid_parameter             10005 app_id_unauthorized
            10012 app_access_token_failed       10013 tenant_access_token_failed
            10014 app_unauthorized              10015 wrong_app_secret
            99991543 invalid_app_credentials    99991662 app_disabled
            99991673 app_not_available          190006 wrong_unit_for_app_tenant
            190007 app_bot_id_not_found         20002 invalid_client_secret
            20009 app_not_installed             20048 app_does_not_exist
            20069 app_not_enabled
        ]],
    },
    {
        about = "the list of addresses", kind = "app_setup", does = "report",
        statuses = { 200, 400 }, codes = "99991401 ip_denied",
    },
    {
        about = "a policy of the tenant", kind = "permission_denied", does = "report",
        at_token_stage = true, statuses = { 200, 400 },
        codes = "21000 access_challenge_required  21001 access_policy_denied",
    },
    {
        about = "the login service failed: repeat", kind = "service_error",
        does = "repeat_if_harmless", at_token_stage = true, statuses = { 200, 500, 503 },
        codes = "20050 oauth_server_error  20072 oauth_temporarily_unavailable",
    },
    {
        about = "begin the login again", kind = "login_required", does = "report",
        at_token_stage = true, statuses = { 200, 400 },
        codes = [[
            20003 authorization_code_not_found  20004 authorization_code_expired
            20026 invalid_refresh_token         20037 refresh_token_expired
            20064 refresh_token_revoked         20065 authorization_code_used
            20073 refresh_token_used
        ]],
    },
    {
        about = "a login with another app, or without refreshing", kind = "app_setup",
        does = "report", at_token_stage = true, statuses = { 200, 400 },
        codes = "20024 client_id_mismatch  20074 refresh_not_allowed",
    },
    {
        about = "ids", kind = "invalid_request", does = "report", statuses = { 400 },
        codes = [[
            99992351 these_open_ids_not_existed         99992352 these_lark_ids_not_existed
            99992353 these_lark_ids_not_existed         99992354 these_ids_not_existed
            99992355 these_lark_ids_not_existed         99992356 these_open_chat_ids_not_existed
            99992357 these_open_department_ids_not_existed
            99992358 these_ids_not_existed              99992359 these_user_ids_not_existed
            99992360 these_ids_not_existed              99992361 open_id_cross_app
            99992363 these_ids_not_existed              99992364 these_ids_not_existed
            99992370 these_ids_not_existed              99992375 these_open_room_ids_not_existed
            99992376 these_ids_not_existed              99992378 these_open_room_ids_not_existed
            99992379 these_ids_not_existed              99992380 these_ids_not_existed
            99992381 union_id_cross_tenant              99992500 these_ids_not_existed
            99992501 these_ids_not_existed
        ]],
    },
    {
        about = "a field is not valid", kind = "invalid_request", does = "report",
        statuses = { 200, 400 }, codes = "99992402 field_validation_failed",
    },
}

-- {======================================================
-- Stories: what the service sees, in order. "call 99991663" is a request of the call that is
-- answered with that code; "call" one that is answered as it deserves.
-- =======================================================}

local PATHS = {
    ["call"] = "/open-apis/calendar/v4/calendars/primary",
    ["custom token"] = "/open-apis/auth/v3/tenant_access_token/internal",
    ["app token"] = "/open-apis/auth/v3/app_access_token",
    ["tenant token"] = "/open-apis/auth/v3/tenant_access_token",
    ["login token"] = "/open-apis/authen/v2/oauth/token",
}

local STEPS = {}
for step, path in pairs(PATHS) do STEPS[path] = step end

local function joined(...)
    local story = {}
    for _, part in ipairs { ... } do
        for _, step in ipairs(type(part) == "table" and part or { part }) do
            story[#story + 1] = step
        end
    end
    return story
end

-- The faults for the requests of one step of a story.
local function faults_in(story, step)
    local faults = {}
    for _, one in ipairs(story) do
        if one == step then faults[#faults + 1] = "none" end
        local fault = one:match("^" .. step .. " (.+)$")
        if fault then faults[#faults + 1] = fault end
    end
    return faults
end

local function told()
    local story = {}
    for _, request in ipairs(support.requests "feishu") do
        local step = STEPS[request.path]
        if step then
            story[#story + 1] = request.fault and step .. " " .. request.fault or step
        end
    end
    return story
end

-- Acts scenes, one after the other. A scene has a story, what is to be seen after it (next), and
-- act(), which makes both happen.
-- @param step whose requests meet faults
local function play(step, scenes)
    local story = {}
    for _, scene in ipairs(scenes) do story = joined(story, scene.story, scene.next or {}) end
    support.clear "feishu"
    support.path_faults("feishu", PATHS[step], lua.unpack(faults_in(story, step)))
    for _, scene in ipairs(scenes) do
        pipeline.fill_budgets()
        scene.act(scene)
    end
    assert.same(story, told())
    support.clear "feishu"
end

local function attempts_in(story, step)
    return #faults_in(story, step)
end

-- {======================================================
-- What the user is told
-- =======================================================}

local function explains(err)
    local row = cloudcal.explain(err.code)
    assert.equal(row.hint, err.hint)
    assert.equal(row.hint_zh, err.hint_zh)
    assert.is_truthy(err.hint:find("%a%a%a"))
    assert.is_truthy(err.hint_zh:find("[\228-\233][\128-\191]"))
    assert.is_truthy(tostring(err):find(err.hint, 1, true))
end

local function check(wanted, err)
    local found = {}
    for name in pairs(wanted) do found[name] = err[name] end
    assert.same(wanted, found)
    explains(err)
end

-- {======================================================
-- The stage of the call
-- =======================================================}

-- Each makes the scenes of one fault. `renewal` is what is seen when another token is fetched;
-- nil if there is none to be had.
local decisions = {}

function decisions.report(fault)
    return { { story = { "call " .. fault }, acted = "no", retryable = false } }
end

function decisions.wait(fault)
    local call = "call " .. fault
    return {
        { story = { call, "call" } },
        { story = { call, call, call }, acted = "no", retryable = true },
    }
end

function decisions.renew(fault, renewal)
    if not renewal then return decisions.report(fault) end
    local call = "call " .. fault
    return {
        { story = joined(call, renewal, "call") },
        { story = joined(call, renewal, call), next = joined(renewal, "call"),
          acted = "no", retryable = false },
    }
end

function decisions.repeat_if_harmless(fault, _, is_repeatable)
    local scenes = is_repeatable and decisions.wait(fault) or decisions.report(fault)
    scenes[#scenes].acted = "maybe"
    return scenes
end

local function client_of(changes)
    local given = { rate_limit = false, store = cloudcal.stores.memory(),
                    retry = { max_delay = 0 } }
    for name, value in pairs(changes) do given[name] = value end
    return support.client("feishu", given)
end

local app = { app_id = known.app_id, app_secret = known.app_secret }

local function app_client(changes)
    local given = { app_id = app.app_id, app_secret = app.app_secret }
    for name, value in pairs(changes or {}) do given[name] = value end
    return client_of(given)
end

local function store_app(changes, tenant_key)
    local client = app_client(changes):with { app_type = "store", tenant_key = tenant_key }
    assert(client:set_app_ticket(support.ticket "feishu"))
    return client
end

local IDENTITIES = {
    {
        name = "a user token",
        make = function() return client_of { user_access_token = known.user_access_token } end,
    },
    {
        name = "a tenant token",
        make = function()
            return client_of { tenant_access_token = known.tenant_access_token }
        end,
    },
    {
        name = "a literal token", options = { token = known.user_access_token },
        make = function() return client_of {} end,
    },
    {
        name = "a token function", renewal = {},
        make = function()
            return client_of { user_access_token = function() return known.user_access_token end }
        end,
    },
    {
        name = "a custom app", renewal = { "custom token" },
        make = function() return app_client() end,
    },
    {
        name = "a store app", renewal = { "tenant token" },
        make = function() return store_app({}, "tenant-1") end,
    },
    {
        name = "a login", renewal = { "login token" }, options = { user = "alice" },
        make = function()
            local client = app_client()
            browser.log_in(client, "alice")
            return client
        end,
    },
}

local function with_options(given, options)
    for name, value in pairs(options or {}) do given[name] = value end
    return given
end

local CALLS = {
    { is_repeatable = true, make = function(client, options)
        return client:primary_calendar(with_options({}, options))
    end },
    { is_repeatable = false, make = function(client, options)
        return client:request(with_options(
            { method = "POST", path = PATHS.call, body = {} }, options))
    end },
}

local function statuses_of(row, code)
    local statuses = { [cloudcal.explain(code).http_status or 400] = true }
    for _, status in ipairs(row.statuses) do statuses[status] = true end
    return statuses
end

-- "20005_as_400" and so on, with code, name and status.
local function each_fault(row, visit)
    for digits, name in row.codes:gmatch("(%d+)%s+(%S+)") do
        local code = tonumber(digits)
        for status in pairs(statuses_of(row, code)) do
            visit(digits .. "_as_" .. status, code, name, status)
        end
    end
end

local function act_call(scene, identity, client, call)
    local result, err, meta = call.make(client, identity.options)
    assert.equal(attempts_in(scene.story, "call"), meta.attempts, scene.story[1])
    if not scene.err then return assert.is_table(result, scene.story[1]) end
    check(scene.err, err)
    if scene.next then assert.is_table((call.make(client, identity.options))) end
end

-- What is only reported is not repeated by the one call more than by the other.
local function scenes_of_calls(row, identity, client)
    local scenes = {}
    each_fault(row, function(fault, code, name, status)
        for _, call in ipairs(row.does == "report" and { CALLS[1] } or CALLS) do
            local made = decisions[row.does](fault, identity.renewal, call.is_repeatable)
            for _, scene in ipairs(made) do
                scene.err = scene.acted and {
                    code = code, name = name, kind = row.kind, stage = "call",
                    acted = scene.acted, retryable = scene.retryable, http_status = status,
                    msg = cloudcal.explain(code).msg,
                }
                scene.act = function() act_call(scene, identity, client, call) end
                scenes[#scenes + 1] = scene
            end
        end
    end)
    return scenes
end

describe("the codes of the stage of the call:", function()
    for _, row in ipairs(ROWS) do
        for _, identity in ipairs(IDENTITIES) do
            it(("%s, with %s"):format(row.about, identity.name), function()
                local client = identity.make()
                assert.is_table((client:primary_calendar(identity.options)))
                play("call", scenes_of_calls(row, identity, client))
                assert.is_table((client:primary_calendar(identity.options)))
            end)
        end
    end

    it("are told in Chinese where that is wanted", function()
        for _, row in ipairs(ROWS) do
            local client = client_of { user_access_token = known.user_access_token,
                                       language = "zh", retry = false }
            each_fault(row, function(fault, code)
                local _, err = client:primary_calendar {
                    headers = { ["X-Sandbox-Fault"] = fault } }
                assert.is_truthy(tostring(err):find(cloudcal.explain(code).hint_zh, 1, true))
            end)
        end
    end)
end)

-- {======================================================
-- The same code for a kind of token that the endpoint does not take
-- =======================================================}

local function answer(body, status) return pipeline.answer(body, nil, status) end

local FETCHED = {
    custom = { answer '{"code":0,"tenant_access_token":"t-1","expire":7200}' },
    store = { answer '{"code":0,"app_access_token":"a-1","expire":7200}',
              answer '{"code":0,"tenant_access_token":"t-1","expire":7200}' },
    login = { answer '{"code":0,"access_token":"eyJ1","expires_in":7200,"refresh_token":"eyJ2"}' },
}

local REFUSALS = {
    { code = 99991668, name = "user_token_refused", msg = "user access token not support",
      by = {
        ["a user token"] = { { user_access_token = "u-1" } },
        ["a literal token"] = { {}, options = { token = "u-1" } },
        ["a token function"] = { { user_access_token = function() return "u-1" end } },
        ["a login"] = { app, before = FETCHED.login, options = { identity = "user" },
                        begin = function(client) client:exchange_code { code = "code-1" } end },
      } },
    { code = 99991663, name = "tenant_token_refused", msg = "tenant access token not support",
      by = {
        ["a tenant token"] = { { tenant_access_token = "t-1" } },
        ["a literal token"] = { {}, options = { token = "t-1" } },
        ["a token function"] = { { tenant_access_token = function() return "t-1" end } },
        ["a custom app"] = { app, before = FETCHED.custom },
        ["a store app"] = { app, before = FETCHED.store,
                            begin = function(client) client:set_app_ticket("ticket-1") end },
      } },
}

-- The answers to one call each: refused by two HTTP statuses, then taken.
local function answers_of(row, before)
    local body = ('{"code":%d,"msg":"%s"}'):format(row.code, row.msg)
    local good = '{"code":0,"data":{"calendars":[{"calendar":{}}]}}'
    return joined(before or {}, answer(body, "400 Bad Request"), answer(body), answer(good))
end

local function refuse_kind(row, who)
    local changes = with_options({ store = cloudcal.stores.memory(), rate_limit = false }, who[1])
    if who.before == FETCHED.store then changes.app_type = "store" end
    pipeline.with_scripted("feishu", answers_of(row, who.before), changes, function(client, server)
        client = client:with { tenant_key = "tenant-1" }
        if who.begin then who.begin(client) end
        for _, status in ipairs { 400, 200 } do
            local _, err, meta = client:primary_calendar(who.options)
            check({
                code = row.code, name = row.name, kind = "unauthenticated", stage = "call",
                acted = "no", retryable = false, http_status = status, msg = row.msg,
            }, err)
            assert.equal(1, meta.attempts)
        end
        assert.is_table((client:primary_calendar(who.options)))
        assert.equal(#(who.before or {}) + 3, #server.requests())
    end)
end

describe("a kind of token that the endpoint does not take", function()
    for _, row in ipairs(REFUSALS) do
        for name, who in pairs(row.by) do
            it(("is not replaced: %s, with %s"):format(row.msg, name), function()
                refuse_kind(row, who)
            end)
        end
    end
end)

-- {======================================================
-- The stage of the token
-- =======================================================}

local TRANSIENT = { rate_limited = true, service_error = true }

local LATE = 7201 -- seconds: an access token has ended by then

local function act_login(client)
    return client:primary_calendar { user = "alice" }
end

-- A secret that the sandbox does not know: the refusal of an app is remembered for a while.
local function own_secret(row, number)
    if row.kind ~= "app_setup" then return nil end
    return { app_secret = "secret-" .. number }
end

-- Where a token comes from: `before` is seen before its `step`, `after` behind it; make() gets
-- the row and a number that is new each time, and returns a function that makes the call.
local SOURCES = {
    {
        name = "the tenant token of a custom app", step = "custom token", before = {},
        after = { "call" },
        make = function(row, number)
            local client = app_client(own_secret(row, number))
            return function() return client:primary_calendar() end
        end,
    },
    {
        name = "the app token of a store app", step = "app token", before = {},
        after = { "tenant token", "call" },
        make = function(row, number)
            local client = store_app(own_secret(row, number), "tenant-1")
            return function() return client:primary_calendar() end
        end,
    },
    {
        name = "the tenant token of a store app", step = "tenant token",
        before = { "app token" }, after = { "call" }, replaces = true,
        make = function(_, number)
            local client = store_app({}, "tenant-" .. number)
            return function() return client:primary_calendar() end
        end,
    },
    {
        name = "the renewal of a login", step = "login token", before = {},
        after = { "call" }, begins = { "login token" },
        make = function()
            local client = app_client()
            browser.log_in(client, "alice")
            return function()
                local values
                pipeline.moved("now", LATE, function() values = lua.pack(act_login(client)) end)
                return lua.unpack(values, 1, values.n)
            end
        end,
    },
    {
        name = "the beginning of a login", step = "login token", before = {}, after = {},
        make = function()
            local client = app_client()
            local code, meta = browser.begin(client)
            return function()
                return client:exchange_code { code = code, code_verifier = meta.code_verifier,
                                              redirect_uri = browser.redirect_uri }
            end
        end,
    },
}

-- A failure that passes is tried three times, all else once.
local function scenes_of_source(row, source, fault)
    local step = source.step .. " " .. fault
    local start, passing = joined(source.begins or {}, source.before), TRANSIENT[row.kind]
    local lasting = { fails = true, story = joined(start, step) }
    if not passing then return { lasting } end
    lasting.story = joined(start, step, step, step)
    return { { story = joined(start, step, source.step, source.after) }, lasting }
end

-- The next call: a login that was refused has ended, the refusal of an app is remembered, and a
-- code is spent; otherwise the token is asked for again.
local function what_is_next(row, source)
    local is_login = source.begins ~= nil
    if source.step == "login token" and not is_login then return nil end
    if is_login and row.kind == "login_required" then return {}, { name = "login_expired" } end
    if not is_login and row.kind == "app_setup" then return {}, { stage = "token" } end
    return joined(source.step, source.after)
end

local function act_at_source(scene, use, trouble)
    local result, err = use()
    if not scene.fails then return assert.is_table(result, scene.story[1]) end
    check(scene.err, err)
    if not scene.next then return end
    local second, again = use()
    if not trouble then return assert.is_table(second) end
    assert.equal(scene.err.kind, again.kind)
    assert.equal(trouble.name or err.name, again.name)
    assert.equal("token", again.stage)
end

local number = 0

local function new_scenes(row, source, fault, wanted)
    local scenes = scenes_of_source(row, source, fault)
    for _, scene in ipairs(scenes) do
        local trouble
        if scene.fails then scene.next, trouble = what_is_next(row, source) end
        scene.err = wanted
        scene.act = function()
            number = number + 1
            act_at_source(scene, source.make(row, number), trouble)
        end
    end
    return scenes
end

local function scenes_at_token_stage(row, source)
    local all = {}
    each_fault(row, function(fault, code, name, status)
        local scenes = new_scenes(row, source, fault, {
            code = code, name = name, kind = row.kind, stage = "token", acted = "no",
            retryable = TRANSIENT[row.kind] == true, http_status = status,
            msg = cloudcal.explain(code).msg,
        })
        for _, scene in ipairs(scenes) do all[#all + 1] = scene end
    end)
    return all
end

describe("the codes of the stage of the token:", function()
    for _, row in ipairs(ROWS) do
        for _, source in ipairs(row.at_token_stage and SOURCES or {}) do
            -- an app token that is refused there is replaced: store_apps_spec.lua
            if row.does ~= "renew" or not source.replaces then
                it(("%s, for %s"):format(row.about, source.name), function()
                    play(source.step, scenes_at_token_stage(row, source))
                end)
            end
        end
    end

    -- What is wrong with the renewal says nothing good of the token that was to be replaced.
    it("leave a refused access token refused", function()
        for _, fault in ipairs { "20005", "99991668", "4001" } do
            local client = app_client()
            browser.log_in(client, "alice")
            support.revoke("feishu", "user")
            local function fails(scene)
                local _, err = act_login(client)
                assert.equal("token", err.stage)
                assert.equal(scene.code, err.code)
            end
            play("login token", {
                { story = { "call", "login token " .. fault }, act = fails,
                  code = tonumber(fault) },
                { story = { "login token", "call" },
                  act = function() assert.is_table((act_login(client))) end },
            })
        end
    end)
end)
