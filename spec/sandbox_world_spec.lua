local digest = require "openssl.digest"
local json = require "cloudcal.json"
local text = require "cloudcal.sandbox.text"
local worlds = require "cloudcal.sandbox.world"

local NOW = 1763700000
local OPEN = "/open-apis/calendar/v4"
local BINDINGS = OPEN .. "/exchange_bindings"
local CALDAV = OPEN .. "/settings/generate_caldav_conf"
local PRIMARY = OPEN .. "/calendars/primary"
local TENANT = "/open-apis/auth/v3/tenant_access_token/internal"
local AUTHORIZE = "/open-apis/authen/v1/authorize"
local OAUTH = "/open-apis/authen/v2/oauth/token"

describe("sandbox world", function()
    local world, now, tokens

    local function fresh(options)
        world, now = worlds.new(options or { sync_seconds = 30 }), NOW
        tokens = world:credentials()
    end

    before_each(function() fresh() end)

    local function header(answer, name)
        for _, pair in ipairs(answer.headers) do
            if pair[1]:lower() == name:lower() then return pair[2] end
        end
    end

    local function ask(service, method, target, options)
        options = options or {}
        local path, query = target:match("^([^?]*)%??(.*)$")
        local body = options.body or ""
        local headers = { ["content-type"] = "application/json; charset=utf-8" }
        for name, value in pairs(options.headers or {}) do headers[name] = value end
        if options.token then headers.authorization = "Bearer " .. options.token end
        local answer = world:answer({
            service = service, method = method, path = path, query = query, headers = headers,
            body = type(body) == "table" and json.encode(body) or body,
        }, now)
        return answer, (json.decode(answer.body))
    end

    local function feishu(method, target, options) return ask("feishu", method, target, options) end

    local function refused(status, code, answer, body)
        assert.are.same({ status, code }, { answer.status, body.code })
        return body, answer
    end

    local function data_of(answer, body)
        assert.are.same({ 200, 0, "success" }, { answer.status, body.code, body.msg })
        return body.data
    end

    describe("envelope", function()
        it("has the headers of the real services", function()
            for _, service in ipairs { "feishu", "lark" } do
                for _, token in ipairs { "u-wrong", tokens[service].user_access_token } do
                    local answer = ask(service, "POST", CALDAV, { token = token })
                    assert.are.equal("application/json; charset=utf-8",
                        header(answer, "content-type"))
                    assert.are.equal("Fri, 21 Nov 2025 04:40:00 GMT", header(answer, "date"))
                    assert.truthy(header(answer, "x-tt-logid"):find("^20251121044000%x+$"))
                end
            end
        end)

        it("names the log id and the troubleshooter in the error", function()
            local answer, body = feishu("POST", CALDAV)
            assert.are.equal(header(answer, "x-tt-logid"), body.error.log_id)
            assert.truthy(body.error.troubleshooter:find(body.error.log_id, 1, true))
            assert.truthy(body.error.troubleshooter:find("open.feishu.cn", 1, true))
        end)

        it("answers 404 in text/plain to an unknown path or method", function()
            for _, target in ipairs {
                "GET " .. CALDAV, "POST /open-apis/nothing", "PUT " .. BINDINGS .. "/x",
                "GET " .. BINDINGS .. "/a/b", "GET /", "DELETE " .. CALDAV .. "/",
            } do
                local method, path = target:match("^(%S+) (%S+)$")
                local answer = feishu(method, path, { token = tokens.feishu.user_access_token })
                assert.are.same({ 404, "404 page not found" }, { answer.status, answer.body })
                assert.truthy(header(answer, "content-type"):find("^text/plain"))
            end
        end)
    end)

    describe("tokens", function()
        local function caldav(token) return feishu("POST", CALDAV, { token = token }) end

        it("are needed, with Bearer in front", function()
            local authorizations = {
                "none", "Bearer", "Bearer ", tokens.feishu.user_access_token,
                "Basic " .. tokens.feishu.user_access_token,
            }
            for _, authorization in ipairs(authorizations) do
                refused(400, 99991661, feishu("POST", CALDAV, {
                    headers = { authorization = authorization ~= "none" and authorization or nil },
                }))
            end
        end)

        it("are told apart by their shape when unknown", function()
            refused(400, 99991668, caldav "u-unknown")
            refused(400, 99991668, caldav "eyJhbGciOi.unknown")
            refused(400, 99991663, caldav "t-unknown")
            refused(400, 99991671, caldav "unknown")
        end)

        it("belong to one service", function()
            refused(400, 99991668, caldav(tokens.lark.user_access_token))
        end)

        it("must be of the kind that the endpoint takes", function()
            local body = refused(400, 99991663, caldav(tokens.feishu.tenant_access_token))
            assert.are.equal("tenant access token not support", body.msg)
            local other = refused(400, 99991663, feishu("GET", BINDINGS .. "/x", {
                token = tokens.feishu.tenant_access_token,
            }))
            assert.are.equal("tenant access token not support", other.msg)
        end)

        it("are looked at before the parameters", function()
            refused(400, 99991668, feishu("POST", CALDAV, { token = "u-x", body = "no json" }))
            refused(400, 99991661, feishu("POST", PRIMARY .. "?user_id_type=wrong"))
        end)
    end)

    describe("parameters", function()
        local function caldav(body)
            return feishu("POST", CALDAV, { token = tokens.feishu.user_access_token, body = body })
        end

        it("are counted in characters", function()
            data_of(caldav { device_name = ("日"):rep(100) })
            local body = refused(400, 99992402, caldav { device_name = ("日"):rep(101) })
            assert.are.equal("device_name", body.error.field_violations[1].field)
            assert.truthy(body.error.field_violations[1].description:find("100"))
        end)

        it("have types and enums", function()
            refused(400, 99992402, caldav { device_name = 5 })
            local body = refused(400, 99992402, feishu("POST", PRIMARY .. "?user_id_type=x", {
                token = tokens.feishu.user_access_token,
            }))
            assert.are.equal("user_id_type", body.error.field_violations[1].field)
        end)

        it("are ignored when unknown", function()
            data_of(caldav { unknown = { 1, 2 } })
        end)

        it("come as a JSON object", function()
            for _, body in ipairs { "[]", "[1]", "nothing", "{", '{"a":1}x', '"text"', "\255" } do
                local answer = refused(400, 190002, caldav(body))
                assert.truthy(answer.error.field_violations[1].description)
            end
        end)
    end)

    describe("generate_caldav_conf", function()
        it("makes an account each time and repeats the device", function()
            local options = {
                token = tokens.feishu.user_access_token, body = { device_name = "手机" },
            }
            local one = data_of(feishu("POST", CALDAV, options))
            local two = data_of(feishu("POST", CALDAV, options))
            assert.are.equal("手机", one.device_name)
            assert.are_not.equal(one.password, two.password)
            assert.truthy(one.user_name and one.server_address)
            assert.are.equal(2, world:state("feishu").accounts)
            assert.are.equal(0, world:state("lark").accounts)
            assert.are.equal(2, world:state().accounts)
        end)

        it("makes those of a true server", function()
            fresh { caldav_server = "127.0.0.1:5232", caldav_user_name = "alice",
                    caldav_password = "a b" }
            assert.same({ server_address = "127.0.0.1:5232", user_name = "alice",
                          password = "a b", device_name = "" },
                data_of(feishu("POST", CALDAV, { token = tokens.feishu.user_access_token })))
        end)

        it("needs no body", function()
            assert.are.equal("", data_of(feishu("POST", CALDAV, {
                token = tokens.feishu.user_access_token,
            })).device_name)
        end)
    end)

    describe("primary", function()
        local function primary(service, kind, query)
            return ask(service, "POST", PRIMARY .. (query or ""), { token = tokens[service][kind] })
        end

        it("answers the user's calendar with the suffix of the service", function()
            for service, domain in pairs { feishu = "feishu.cn", lark = "larksuite.com" } do
                local calendars = data_of(primary(service, "user_access_token")).calendars
                assert.are.equal(1, #calendars)
                local id = calendars[1].calendar.calendar_id
                assert.are.equal(1, (id:find(domain .. "_", 1, true)))
                assert.truthy(id:find("@group.calendar." .. domain, 1, true))
                assert.are.equal("owner", calendars[1].calendar.role)
                assert.are.equal(tokens[service].open_id, calendars[1].user_id)
            end
        end)

        it("shows the kind of id that was asked for", function()
            local function id_of(query)
                return data_of(primary("lark", "user_access_token", query)).calendars[1].user_id
            end
            assert.truthy(id_of("?user_id_type=open_id"):find("^ou_"))
            assert.truthy(id_of("?user_id_type=union_id"):find("^on_"))
            assert.truthy(id_of("?user_id_type=user_id"):find("^%x+$"))
        end)

        it("answers the bot's calendar to a tenant token", function()
            local bot = data_of(primary("feishu", "tenant_access_token")).calendars[1]
            local user = data_of(primary("feishu", "user_access_token")).calendars[1]
            assert.are_not.equal(user.calendar.calendar_id, bot.calendar.calendar_id)
            assert.truthy(bot.user_id:find("^ou_"))
        end)

        it("refuses user_id to a tenant token", function()
            local body = refused(400, 190002,
                primary("feishu", "tenant_access_token", "?user_id_type=user_id"))
            assert.are.equal("user_id_type", body.error.field_violations[1].field)
        end)

        it("may have no calendar", function()
            local answer, body = primary("feishu", "no_calendar_access_token")
            assert.are.same({}, data_of(answer, body).calendars)
            assert.truthy(answer.body:find('"calendars":[]', 1, true))
        end)
    end)

    describe("exchange bindings", function()
        local accounts = { admin_account = "admin@a.example", exchange_account = "me@a.example" }

        local function with(changes)
            local body = {}
            for name, value in pairs(accounts) do body[name] = value end
            for name, value in pairs(changes or {}) do body[name] = value end
            return body
        end

        local function create(changes, query, kind)
            return feishu("POST", BINDINGS .. (query or ""), {
                token = tokens.feishu[kind or "user_access_token"], body = with(changes),
            })
        end

        local function one(method, id, query, kind)
            return feishu(method, BINDINGS .. "/" .. text.escape(id) .. (query or ""), {
                token = tokens.feishu[kind or "user_access_token"],
            })
        end

        it("answer what was sent, with an id that needs percent-encoding", function()
            local binding = data_of(create { user_id = "ou_somebody" })
            assert.are.same({
                admin_account = "admin@a.example", exchange_account = "me@a.example",
                user_id = "ou_somebody", status = "doing",
                exchange_binding_id = binding.exchange_binding_id,
            }, binding)
            assert.are.equal("=", binding.exchange_binding_id:sub(-1))
            assert.are.same(binding, data_of(one("GET", binding.exchange_binding_id)))
        end)

        it("have the id of the documented example", function()
            local binding = data_of(create {
                admin_account = "email_admin_example@outlook.com",
                exchange_account = "email_account_example@outlook.com",
            })
            assert.are.equal("ZW1haWxfYWRtaW5fZXhhbXBsZUBvdXRsb29rLmNvbSBlbWFpbF9hY2NvdW50X2V4"
                .. "YW1wbGVAb3V0bG9vay5jb20=", binding.exchange_binding_id)
        end)

        it("may have a slash in the id, which must be percent-encoded", function()
            local id = data_of(create {
                admin_account = "o~?o~?@x", exchange_account = "??>~~~",
            }).exchange_binding_id
            assert.truthy(id:find("/", 1, true))
            data_of(one("GET", id))
            local answer = feishu("GET", BINDINGS .. "/" .. id, {
                token = tokens.feishu.user_access_token,
            })
            assert.are.equal(404, answer.status)
            assert.are.equal("404 page not found", answer.body)
        end)

        it("are the same when the same triplet comes twice", function()
            local first = data_of(create { user_id = "ou_1" })
            assert.are.same(first, data_of(create { user_id = "ou_1" }))
            assert.are.equal(1, world:state().bindings)
            assert.are.equal(1, world:state().bindings_created)
            refused(400, 190002, create { user_id = "ou_2" })
        end)

        it("synchronise step by step", function()
            local id = data_of(create()).exchange_binding_id
            local seen = {}
            for i, seconds in ipairs { 0, 9.9, 10, 20, 29.9, 30, 1000 } do
                now = NOW + seconds
                seen[i] = data_of(one("GET", id)).status
            end
            assert.are.same({
                "doing", "doing", "cal_done", "timespan_done", "timespan_done", "done", "done",
            }, seen)
        end)

        it("can fail to synchronise", function()
            local id = data_of(create { exchange_account = "sync-error@a.example" })
                .exchange_binding_id
            local seen = {}
            for i, seconds in ipairs { 0, 10, 20, 30, 99 } do
                now = NOW + seconds
                seen[i] = data_of(one("GET", id)).status
            end
            assert.are.same({ "doing", "cal_done", "err", "err", "err" }, seen)
        end)

        it("show the asker and the kind of id that was asked for", function()
            local binding = data_of(create(nil, "?user_id_type=union_id"))
            assert.truthy(binding.user_id:find("^on_"))
            local id = binding.exchange_binding_id
            assert.are.equal(tokens.feishu.open_id, data_of(one("GET", id)).user_id)
            assert.truthy(data_of(one("GET", id, "?user_id_type=user_id")).user_id:find("^%x+$"))
        end)

        it("are deleted once", function()
            local id = data_of(create()).exchange_binding_id
            local answer, body = one("DELETE", id)
            assert.are.same({}, data_of(answer, body))
            assert.truthy(answer.body:find('"data":{}', 1, true))
            refused(404, 195103, one("DELETE", id))
            refused(404, 195103, one("GET", id))
            assert.are.equal(0, world:state().bindings)
        end)

        it("are refused to a user who is no super administrator", function()
            local id = data_of(create()).exchange_binding_id
            local body = refused(403, 195101, create(nil, nil, "member_access_token"))
            assert.are.equal("user is not supper administrator", body.msg)
            refused(403, 195101, one("GET", id, nil, "member_access_token"))
            refused(403, 195101, one("DELETE", id, nil, "member_access_token"))
        end)

        it("are refused by the names of the accounts", function()
            refused(404, 195106, create { admin_account = "unknown@a.example" })
            refused(403, 195104, create { admin_account = "other-tenant@a.example" })
            refused(403, 195105, create { admin_account = "refused@a.example" })
            refused(404, 195100, create { user_id = "ou_dismissed" })
        end)

        it("need both accounts, of 1 to 500 characters", function()
            data_of(create { admin_account = ("a"):rep(500) })
            refused(400, 99992402, create { admin_account = ("a"):rep(501) })
            refused(400, 99992402, create { exchange_account = "" })
            local body = refused(400, 190002, feishu("POST", BINDINGS, {
                token = tokens.feishu.user_access_token, body = { admin_account = "a" },
            }))
            assert.are.equal("exchange_account", body.error.field_violations[1].field)
        end)
    end)

    describe("rate limits", function()
        local function primary(service)
            return ask(service or "feishu", "POST", PRIMARY, {
                token = tokens[service or "feishu"].user_access_token,
            })
        end

        local function limited(answer, body, limit, reset)
            assert.are.same({ 429, 99991400, "request trigger frequency limit" },
                { answer.status, body.code, body.msg })
            assert.are.equal(limit, header(answer, "x-ogw-ratelimit-limit"))
            assert.are.equal(reset, header(answer, "x-ogw-ratelimit-reset"))
        end

        local function burst(count, service)
            for _ = 1, count do assert.are.equal(200, primary(service).status) end
        end

        it("are 50 in any second", function()
            now = NOW + 0.5
            burst(50)
            local answer, body = primary()
            limited(answer, body, "50", "1")
            now = NOW + 1.4
            assert.are.equal(429, primary().status)
            now = NOW + 1.5
            burst(50)
        end)

        it("are 1000 in any minute", function()
            for i = 0, 19 do
                now = NOW + i
                burst(50)
            end
            now = NOW + 20
            local answer, body = primary()
            limited(answer, body, "1000", "40")
            now = NOW + 60
            burst(50)
            assert.are.equal(429, primary().status)
        end)

        it("are counted for each endpoint and each service", function()
            burst(50)
            assert.are.equal(429, primary().status)
            burst(50, "lark")
            assert.are.equal(200, (feishu("POST", CALDAV, {
                token = tokens.feishu.user_access_token,
            }).status))
        end)

        it("count what gets past the authentication, and do not count refusals", function()
            for _ = 1, 60 do refused(400, 99991661, feishu("POST", PRIMARY)) end
            burst(50)
            for _ = 1, 60 do primary() end
            now = NOW + 1
            burst(50)
        end)

        it("can be set and turned off", function()
            fresh { rate = { per_second = 2, per_minute = 3 } }
            burst(2)
            limited(({ primary() })[1], ({ primary() })[2], "2", "1")
            now = NOW + 1
            burst(1)
            local answer, body = primary()
            limited(answer, body, "3", "59")
            fresh { rate = false }
            burst(2000)
        end)
    end)

    describe("tenant token endpoint", function()
        local function fetch(changes)
            local body = { app_id = tokens.feishu.app_id, app_secret = tokens.feishu.app_secret }
            for name, value in pairs(changes or {}) do body[name] = value end
            return feishu("POST", TENANT, { body = body })
        end

        local function works(token)
            return feishu("POST", PRIMARY, { token = token }).status == 200
        end

        it("answers without a data wrapper", function()
            local answer, body = fetch()
            assert.are.same({ 200, 0, "ok", 7200 },
                { answer.status, body.code, body.msg, body.expire })
            assert.truthy(body.tenant_access_token:find("^t%-"))
            assert.is_nil(body.data)
            assert.is_true(works(body.tenant_access_token))
        end)

        it("answers the same token while half an hour of it remains", function()
            local _, first = fetch()
            now = NOW + 5400
            local _, same = fetch()
            assert.are.same({ first.tenant_access_token, 1800 },
                { same.tenant_access_token, same.expire })
            now = NOW + 5401
            local _, second = fetch()
            assert.are_not.equal(first.tenant_access_token, second.tenant_access_token)
            assert.are.equal(7200, second.expire)
            assert.is_true(works(first.tenant_access_token))
            assert.is_true(works(second.tenant_access_token))
            now = NOW + 7200
            refused(400, 99991663, feishu("POST", PRIMARY, { token = first.tenant_access_token }))
            assert.is_true(works(second.tenant_access_token))
            assert.are.equal(2, world:state("feishu").tenant_tokens)
        end)

        it("refuses wrong credentials with status 200", function()
            refused(200, 10003, fetch { app_id = "cli_wrong" })
            refused(200, 10015, fetch { app_secret = "wrong" })
            refused(200, 10003, feishu("POST", TENANT, { body = "{" }))
            refused(200, 10003, feishu("POST", TENANT))
            refused(200, 10003, fetch { app_id = tokens.lark.app_id })
        end)
    end)

    describe("OAuth", function()
        local REDIRECT = "http://127.0.0.1:8000/callback"

        local function form(fields)
            local parts = {}
            for name, value in pairs(fields) do
                parts[#parts + 1] = text.escape(name) .. "=" .. text.escape(value)
            end
            return table.concat(parts, "&")
        end

        local function authorize(changes, service)
            local query = {
                client_id = tokens[service or "feishu"].app_id, redirect_uri = REDIRECT,
                response_type = "code", scope = "calendar:calendar offline_access", state = "s t&1",
            }
            for name, value in pairs(changes or {}) do query[name] = value end
            return ask(service or "feishu", "GET", AUTHORIZE .. "?" .. form(query))
        end

        local function back(answer)
            assert.are.equal(302, answer.status)
            local base, query = header(answer, "location"):match("^([^?]*)%?(.*)$")
            return text.form(query), base
        end

        local function new_code(changes, service) return back(authorize(changes, service)).code end

        local function token(changes, service, as_form)
            local place = tokens[service or "feishu"]
            local fields = {
                grant_type = "authorization_code", client_id = place.app_id,
                client_secret = place.app_secret, redirect_uri = REDIRECT,
            }
            for name, value in pairs(changes) do fields[name] = value or nil end
            return ask(service or "feishu", "POST", OAUTH, {
                body = as_form and form(fields) or fields,
                headers = { ["content-type"] = as_form and "application/x-www-form-urlencoded"
                    or nil },
            })
        end

        it("redirects with a code and the state", function()
            local query, base = back(authorize())
            assert.are.equal(REDIRECT, base)
            assert.are.equal("s t&1", query.state)
            assert.are.equal(64, #query.code)
            local more = header(authorize { redirect_uri = REDIRECT .. "?a=1" }, "location")
            assert.truthy(more:find("?a=1&code=", 1, true))
        end)

        it("can be denied by the user", function()
            local query = back(authorize { scope = "calendar:calendar deny" })
            assert.are.same({ error = "access_denied", state = "s t&1" }, query)
        end)

        it("refuses a wrong page address", function()
            refused(400, 20048, authorize { client_id = "cli_wrong" })
            refused(400, 20071, authorize { redirect_uri = "javascript:alert(1)" })
            refused(400, 20071, authorize { redirect_uri = REDIRECT .. "\r\nX: y" })
            refused(400, 20001, authorize { response_type = "token" })
            refused(400, 20067, authorize { scope = "a a" })
        end)

        it("exchanges a code for a user token, by JSON or form", function()
            for _, as_form in ipairs { false, true } do
                local answer, body = token({ code = new_code() }, nil, as_form)
                assert.are.same({ 200, 0, "Bearer", 7200, 604800 }, {
                    answer.status, body.code, body.token_type, body.expires_in,
                    body.refresh_token_expires_in,
                })
                assert.truthy(#body.access_token > 1024 and #body.access_token < 4096)
                assert.are.equal("calendar:calendar offline_access", body.scope)
                data_of(feishu("POST", CALDAV, { token = body.access_token }))
                now = NOW + 7200
                refused(400, 99991677, feishu("POST", CALDAV, { token = body.access_token }))
                now = NOW
            end
        end)

        it("has the number 0 on Feishu and the string 0 on Lark", function()
            local _, number = token { code = new_code() }
            assert.are.equal(0, number.code)
            local _, text_code = token({ code = new_code(nil, "lark") }, "lark")
            assert.are.equal("0", text_code.code)
            refused(400, "20003", token({ code = "wrong" }, "lark"))
        end)

        it("gives a refresh token only for offline_access", function()
            local _, body = token { code = new_code { scope = "calendar:calendar" } }
            assert.truthy(body.access_token)
            assert.is_nil(body.refresh_token)
            assert.is_nil(body.refresh_token_expires_in)
        end)

        it("takes a code once, for five minutes, from the same app and address", function()
            local code = new_code()
            assert.are.equal(200, token { code = code }.status)
            local body = refused(400, 20065, token { code = code })
            assert.are.equal("invalid_grant", body.error)
            assert.truthy(body.error_description:find("once"))
            refused(400, 20003, token { code = "unknown" })
            refused(400, 20071, token { code = new_code(), redirect_uri = "http://other.example/" })
            local late = new_code()
            now = NOW + 300
            refused(400, 20004, token { code = late })
        end)

        it("checks the client", function()
            refused(400, 20048, token { code = "x", client_id = "cli_wrong" })
            local body = refused(400, 20002, token { code = "x", client_secret = "wrong" })
            assert.are.equal("invalid_client", body.error)
            refused(400, 20001, token { code = "x", client_secret = false })
            refused(400, 20001, token {})
            refused(400, 20036, token { grant_type = "password" })
            refused(400, 20063, feishu("POST", OAUTH, { body = "nothing" }))
            refused(400, 20063, feishu("POST", OAUTH, { body = '{"code":[]}' }))
            refused(400, 20070, feishu("POST", OAUTH, {
                body = "{}", headers = { authorization = "Basic eDp5" },
            }))
        end)

        it("checks the verifier", function()
            local verifier = ("v"):rep(43)
            local challenge = text.base64url(digest.new("sha256"):final(verifier))
            local function page(method)
                return new_code {
                    code_challenge = method == "plain" and verifier or challenge,
                    code_challenge_method = method,
                }
            end
            refused(400, 20049, token { code = page "S256" })
            refused(400, 20049, token { code = page "S256", code_verifier = ("w"):rep(43) })
            assert.are.equal(200, token { code = page "S256", code_verifier = verifier }.status)
            refused(400, 20049, token { code = page "plain", code_verifier = "x" })
            assert.are.equal(200, token { code = page "plain", code_verifier = verifier }.status)
        end)

        it("computes the challenge of RFC 7636", function()
            assert.are.equal("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", text.base64url(
                digest.new("sha256"):final("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")))
        end)

        it("takes a refresh token once", function()
            local _, first = token { code = new_code() }
            local function refresh(value, changes)
                local fields = {
                    grant_type = "refresh_token", refresh_token = value, redirect_uri = false,
                }
                for name, content in pairs(changes or {}) do fields[name] = content end
                return token(fields)
            end
            local answer, second = refresh(first.refresh_token)
            assert.are.equal(200, answer.status)
            assert.are_not.equal(first.refresh_token, second.refresh_token)
            data_of(feishu("POST", CALDAV, { token = second.access_token }))
            refused(400, 20073, refresh(first.refresh_token))
            refused(400, 20026, refresh "unknown")
            refused(400, 20068, refresh(second.refresh_token, { scope = "mail:send" }))
            local _, third = refresh(second.refresh_token, { scope = "offline_access" })
            assert.are.equal("offline_access", third.scope)
            now = NOW + 604800
            refused(400, 20037, refresh(third.refresh_token))
        end)
    end)

    describe("Youkong", function()
        local PUT = "/v1/allinone/putcalendar"

        local function sign(timestamp)
            local place = tokens.youkong
            return text.hex(digest.new("md5"):final(("key=%s&secret=%s&timestamp=%s"):format(
                place.client_key, place.secret, timestamp)))
        end

        local function client(changes)
            local fields = {
                ClientKey = tokens.youkong.client_key, Timestamp = now,
                Sign = sign(("%d"):format(now)), UserCode = "cs001",
            }
            for name, value in pairs(changes or {}) do fields[name] = value or nil end
            return fields
        end

        local function put(calendar, changes, path, headers)
            return ask("youkong", "POST", path or PUT, {
                body = { Client = client(changes), Calendar = calendar }, headers = headers,
            })
        end

        local function id_of(answer, body)
            assert.are.same({ 200, true }, { answer.status, body.Success })
            assert.truthy(answer.body:find('"Error":null', 1, true))
            return body.Data.CalendarId
        end

        local function no(code, answer, body)
            assert.are.same({ 200, false, code }, { answer.status, body.Success, body.Error.code })
            assert.are.equal("string", type(body.Error.Description))
            assert.truthy(answer.body:find('"Data":null', 1, true))
        end

        it("signs like the documents do", function()
            fresh { youkong = {
                client_key = "UK155728046140bc", secret = "f2af3c18606d4df59f865e8b80928510",
            } }
            for timestamp, signature in pairs {
                [1560390163] = "3b2c5181688371335ca691c8b797d09b",
                [1560389891] = "e2f64d44c169b55e1e6a7c5e6b7b6328",
            } do
                now = timestamp
                id_of(put({ CalendarName = "本地日历" }, { Sign = signature }))
                no("SANDBOX_SIGN", put({ CalendarName = "x" }, { Sign = signature:upper() }))
            end
        end)

        it("creates a calendar and the user", function()
            local id = id_of(put { CalendarName = "本地日历", CalendarId = "", ProfileId = "" })
            assert.truthy(id:find("^%x+$") and #id == 32)
            assert.are_not.equal(id, id_of(put { CalendarName = "本地日历" }))
            id_of(put({ CalendarName = "x" }, { UserCode = "typo" }))
            local counts = world:state("youkong")
            assert.are.same({ 2, 3 }, { counts.users, counts.calendars })
        end)

        it("renames a calendar of the same user", function()
            local id = id_of(put { CalendarName = "a" })
            assert.are.equal(id, id_of(put { CalendarName = "b", CalendarId = id }))
            no("SANDBOX_CALENDAR", put { CalendarName = "b", CalendarId = "unknown" })
            no("SANDBOX_CALENDAR", put({ CalendarName = "b", CalendarId = id },
                { UserCode = "other" }))
            assert.are.equal(1, world:state("youkong").renames)
        end)

        it("lists whose calendars there are", function()
            assert.are.same({}, world:calendars "youkong")
            local id = id_of(put { CalendarName = "a" })
            id_of(put { CalendarName = "b", CalendarId = id })
            local other = id_of(put({ CalendarName = "c" }, { UserCode = "other" }))
            local list = world:calendars "youkong"
            table.sort(list, function(a, b) return a.calendar_name < b.calendar_name end)
            assert.are.equal(2, #list)
            assert.are.equal(id, list[1].calendar_id)
            assert.are.same({ user_code = "other", calendar_id = other, calendar_name = "c" },
                list[2])
            assert.is_nil(world:calendars "feishu")
        end)

        it("changes the id in a third-party channel", function()
            local profile = tokens.youkong.profile_id
            local id = id_of(put { CalendarName = "a", ProfileId = profile })
            assert.truthy(#id > 100 and id:find("^AQMk") and id:find("=$"))
            local other = id_of(put { CalendarName = "b", ProfileId = profile, CalendarId = id })
            assert.are_not.equal(id, other)
            no("SANDBOX_CALENDAR", put { CalendarName = "c", ProfileId = profile, CalendarId = id })
            no("SANDBOX_CALENDAR", put { CalendarName = "c", CalendarId = other })
            no("SANDBOX_PROFILE", put { CalendarName = "c", ProfileId = "unknown" })
            assert.are.equal(1, world:state("youkong").calendars)
        end)

        it("checks who asks", function()
            local calendar = { CalendarName = "a" }
            no("SANDBOX_CLIENT_KEY", put(calendar, { ClientKey = "UK0" }))
            no("SANDBOX_SIGN", put(calendar, { Sign = ("0"):rep(32) }))
            no("SANDBOX_SIGN", put(calendar, { Sign = false }))
            no("SANDBOX_TIMESTAMP", put(calendar, { Timestamp = "soon" }))
            no("SANDBOX_TIMESTAMP", put(calendar, { Timestamp = now + 0.5 }))
            no("SANDBOX_TIMESTAMP", put(calendar, { Timestamp = false }))
            assert.are.equal(0, world:state("youkong").calendars)
        end)

        it("takes the time as a number or a string, within three minutes", function()
            for _, late in ipairs { -181, -180, 0, 180, 181 } do
                local digits = ("%d"):format(now + late)
                for _, timestamp in ipairs { digits, tonumber(digits) } do
                    local answer, body = put({ CalendarName = "a" },
                        { Timestamp = timestamp, Sign = sign(digits) })
                    if math.abs(late) > 180 then
                        no("SANDBOX_TIMESTAMP", answer, body)
                    else
                        id_of(answer, body)
                    end
                end
            end
        end)

        it("takes JSON with a JSON or a form label", function()
            local calendar = { CalendarName = "a" }
            for _, label in ipairs {
                "application/json", "application/json; charset=utf-8",
                "application/x-www-form-urlencoded", "Application/X-WWW-Form-urlencoded;charset=a",
            } do
                id_of(put(calendar, nil, nil, { ["content-type"] = label }))
            end
            no("SANDBOX_CONTENT_TYPE", put(calendar, nil, nil, { ["content-type"] = "text/xml" }))
            for _, body in ipairs { "", "[]", "{}", "a=b", '{"Client":5}' } do
                no("SANDBOX_BODY", ask("youkong", "POST", PUT, { body = body }))
            end
        end)

        it("checks lengths in characters, types and the name", function()
            for name, most in pairs {
                CalendarName = 200, Tags = 100, CalendarIcon = 150, CalendarColor = 20,
            } do
                id_of(put { CalendarName = "a", [name] = ("历"):rep(most) })
                no("SANDBOX_PARAMETER", put { CalendarName = "a", [name] = ("历"):rep(most + 1) })
            end
            id_of(put({ CalendarName = "a" }, { UserCode = ("u"):rep(100) }))
            no("SANDBOX_PARAMETER", put({ CalendarName = "a" }, { UserCode = ("u"):rep(101) }))
            no("SANDBOX_PARAMETER", put({ CalendarName = "a" }, { UserCode = false }))
            no("SANDBOX_PARAMETER", put { CalendarName = "" })
            no("SANDBOX_PARAMETER", put { CalendarId = "x" })
            no("SANDBOX_PARAMETER", put { CalendarName = "a", IsPublic = "true" })
            no("SANDBOX_PARAMETER", put(nil))
            id_of(put { CalendarName = "a", ProviderName = "Outlook", Unknown = 1 })
        end)

        it("accepts any other signed call of /v1/allinone/", function()
            local answer, body = put(nil, nil, "/v1/allinone/putevent")
            assert.are.same({ true, {} }, { body.Success, body.Data })
            assert.truthy(answer.body:find('"Data":{}', 1, true))
            no("SANDBOX_SIGN", put(nil, { Sign = "x" }, "/v1/allinone/putevent"))
            assert.are.equal(404, (ask("youkong", "POST", "/v2/rest/x").status))
            assert.are.equal(404, (ask("youkong", "GET", PUT).status))
        end)

        it("has a Date and no log id", function()
            local answer = put { CalendarName = "a" }
            assert.truthy(header(answer, "date"))
            assert.is_nil(header(answer, "x-tt-logid"))
        end)
    end)

    describe("refuse", function()
        local function refuse(service, target, refusal)
            local method, path = target:match("^(%S+) (%S+)$")
            local answer = world:refuse({
                service = service, method = method, path = path, query = "", headers = {},
                body = "",
            }, now, refusal)
            return answer, json.decode(answer.body)
        end

        it("answers each row of the code tables", function()
            for _, name in ipairs { "calendar", "token" } do
                for code, row in pairs(require("cloudcal.codes." .. name)) do
                    local answer, body = refuse("feishu", "POST " .. CALDAV, { code = code })
                    assert.are.same({ row.http or 400, code, row.msg },
                        { answer.status, body.code, body.msg })
                end
            end
        end)

        it("names the scopes that are missing", function()
            local _, body = refuse("lark", "POST " .. CALDAV, { code = 99991672 })
            assert.are.same({ type = "action_scope_required", subject = "calendar:calendar" },
                body.error.permission_violations[1])
            assert.truthy(body.error.helps[1].url)
        end)

        it("has the shape of the endpoint", function()
            local answer, body = refuse("lark", "POST " .. OAUTH, { code = 20050 })
            assert.are.same({ 500, "20050", "server_error" },
                { answer.status, body.code, body.error })
            answer, body = refuse("feishu", "POST " .. TENANT, { code = 10014 })
            assert.are.same({ 200, 10014 }, { answer.status, body.code })
            assert.is_nil(body.error)
            answer, body = refuse("youkong", "POST /v1/allinone/putcalendar", { code = 190004 })
            assert.are.same({ 200, false, "190004" },
                { answer.status, body.Success, body.Error.code })
        end)
    end)

    describe("chance and time", function()
        it("come from outside", function()
            local function generator()
                local n = 0
                return function(count)
                    n = n + 1
                    return string.char(n % 256):rep(count)
                end
            end
            local function run()
                fresh { random = generator() }
                return feishu("POST", CALDAV, { token = tokens.feishu.user_access_token }).body
            end
            assert.are.equal(run(), run())
        end)

        it("take given credentials", function()
            fresh {
                feishu = { app_id = "cli_mine", user_access_token = "u-mine" },
                youkong = { client_key = "K", secret = "S", profile_id = "P" },
            }
            assert.are.same({ "cli_mine", "u-mine", "K", "S", "P" }, {
                tokens.feishu.app_id, tokens.feishu.user_access_token,
                tokens.youkong.client_key, tokens.youkong.secret, tokens.youkong.profile_id,
            })
            data_of(feishu("POST", CALDAV, { token = "u-mine" }))
        end)
    end)
end)

describe("sandbox text", function()
    it("writes base64 as the RFC does", function()
        for plain, coded in pairs {
            [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foobar = "Zm9vYmFy",
            ["\255\255\254"] = "///+",
        } do
            assert.are.equal(coded, text.base64(plain))
        end
    end)

    it("reads forms and refuses broken escapes", function()
        assert.are.same({ a = "1 2", b = "", c = "=", ["d e"] = "é" },
            text.form("a=1+2&b=&c==&d%20e=%C3%A9&a=3"))
        assert.is_nil(text.form("a=%zz"))
        assert.is_nil(text.form("a=%2"))
        assert.are.equal("%2F a", text.unescape("%252F%20a"))
    end)

    it("writes JSON that is read back", function()
        local value = {
            code = 0, list = text.array {}, object = {}, deep = { { a = 1.5 }, { b = true } },
            text = 'q"\\\n\0\127é',
        }
        local back = json.decode(text.json(value))
        assert.are.same(value.text, back.text)
        assert.are.same(1.5, back.deep[1].a)
        assert.are.equal('{"code":0,"a":[],"b":{},"c":null}', text.json {
            a = text.array {}, b = {}, c = text.null, code = 0,
        })
    end)
end)
