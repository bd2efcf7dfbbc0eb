--- The life of tokens in the sandbox's world: given out, refreshed, expired, revoked.

local endpoints = require "cloudcal.endpoints"
local json = require "cloudcal.json"
local text = require "cloudcal.sandbox.text"
local worlds = require "cloudcal.sandbox.world"

local NOW = 1763700000
local DAY = 86400

local function path_of(operation) return endpoints.by_operation[operation].path end

local PRIMARY = path_of "calendar.v4.calendar.primary"
local CALDAV = path_of "calendar.v4.setting.generate_caldav_conf"
local INTERNAL = path_of "auth.v3.tenant_access_token.internal"
local APP_TOKEN = path_of "auth.v3.app_access_token.create"
local TENANT_TOKEN = path_of "auth.v3.tenant_access_token.create"
local RESEND = path_of "auth.v3.app_ticket.resend"
local AUTHORIZE = path_of "authen.v1.authorize"
local OAUTH = path_of "authen.v2.oauth.token"
local DEVICE = path_of "oauth.v1.device_authorization"

local FORM = "application/x-www-form-urlencoded"

local function form(fields)
    local parts = {}
    for name, value in pairs(fields) do
        parts[#parts + 1] = text.escape(name) .. "=" .. text.escape(value)
    end
    return table.concat(parts, "&")
end

local function merged(first, second)
    local result = {}
    for name, value in pairs(first) do result[name] = value end
    for name, value in pairs(second or {}) do result[name] = value or nil end
    return result
end

describe("sandbox tokens", function()
    local world, now, tokens, service

    local function fresh(options)
        world, now, service = worlds.new(merged({ rate = false }, options)), NOW, "feishu"
        tokens = world:credentials()
    end

    before_each(function() fresh() end)

    local function header(answer, name)
        for _, pair in ipairs(answer.headers) do
            if pair[1]:lower() == name:lower() then return pair[2] end
        end
    end

    local function ask(method, target, options)
        options = options or {}
        local path, query = target:match("^([^?]*)%??(.*)$")
        local headers = merged({ ["content-type"] = "application/json" }, options.headers)
        if options.token then headers.authorization = "Bearer " .. options.token end
        local body = options.body or ""
        local request = {
            service = service, method = method, path = path, query = query, headers = headers,
            body = type(body) == "table" and json.encode(body) or body,
        }
        world:notice(request)
        local answer = world:answer(request, now)
        return answer, json.decode(answer.body)
    end

    local function refused(status, code, answer, body)
        assert.are.same({ status, code }, { answer.status, body.code })
        return body
    end

    local function good(answer, body)
        assert.are.same({ 200, 0 }, { answer.status, body.code })
        return body
    end

    local function state(name) return world:state(service)[name] end

    local function primary(token) return ask("POST", PRIMARY, { token = token }) end

    local function works(token) return primary(token).status == 200 end

    local function app(changes)
        return merged({
            app_id = tokens[service].app_id, app_secret = tokens[service].app_secret,
        }, changes)
    end

    local function internal() return good(ask("POST", INTERNAL, { body = app() })) end

    describe("of a store app", function()
        local function app_token(changes)
            return ask("POST", APP_TOKEN, { body = merged(
                app { app_ticket = world:ticket(service) }, changes) })
        end

        local function tenant_token(tenant_key, token)
            return ask("POST", TENANT_TOKEN, { body = {
                app_access_token = token or good(app_token()).app_access_token,
                tenant_key = tenant_key,
            } })
        end

        it("begin with the ticket of the credentials", function()
            assert.are.equal(tokens.feishu.app_ticket, world:ticket "feishu")
            local answer, body = app_token { app_ticket = tokens.feishu.app_ticket }
            good(answer, body)
            assert.are.same({ "ok", 7200 }, { body.msg, body.expire })
            assert.truthy(body.app_access_token:find("^a%-"))
            assert.is_nil(body.data)
            assert.is_nil(body.tenant_access_token)
            fresh { feishu = { app_ticket = "mine", tenant_key = "key" } }
            assert.are.same({ "mine", "key" },
                { tokens.feishu.app_ticket, tokens.feishu.tenant_key })
            good(app_token { app_ticket = "mine" })
            good(tenant_token "key")
        end)

        it("are refused to wrong credentials with status 200", function()
            refused(200, 10003, app_token { app_id = "cli_wrong" })
            refused(200, 10003, app_token { app_ticket = false })
            refused(200, 10003, ask("POST", APP_TOKEN, { body = "{" }))
            refused(200, 10015, app_token { app_secret = "wrong" })
            refused(200, 10012, app_token { app_ticket = "wrong" })
            refused(200, 10012, app_token { app_ticket = tokens.lark.app_ticket })
            assert.are.equal(0, state "app_tokens")
        end)

        it("need the newest ticket, which a resend makes", function()
            local body = good(ask("POST", RESEND, { body = app() }))
            assert.are.same({ code = 0, msg = "ok" }, body)
            assert.are_not.equal(tokens.feishu.app_ticket, world:ticket "feishu")
            assert.are.equal(tokens.lark.app_ticket, world:ticket "lark")
            refused(200, 10012, app_token { app_ticket = tokens.feishu.app_ticket })
            good(app_token())
            assert.are.equal(2, state "tickets")
            refused(200, 10003, ask("POST", RESEND, { body = app { app_id = "cli_wrong" } }))
            refused(200, 10015, ask("POST", RESEND, { body = app { app_secret = "wrong" } }))
            assert.are.equal(2, state "tickets")
        end)

        it("are one for each tenant, with a bot of its own", function()
            local seen = {}
            for _, key in ipairs { "tenant_a", "tenant_b", tokens.feishu.tenant_key } do
                local body = good(tenant_token(key))
                assert.are.same({ "ok", 7200 }, { body.msg, body.expire })
                assert.truthy(body.tenant_access_token:find("^t%-"))
                local _, answer = primary(body.tenant_access_token)
                local id = answer.data.calendars[1].calendar.calendar_id
                assert.is_nil(seen[id])
                seen[id] = true
                assert.are.equal(body.tenant_access_token,
                    good(tenant_token(key)).tenant_access_token)
            end
            assert.are.equal(3, state "tenant_tokens")
            assert.are.equal(1, state "app_tokens")
        end)

        it("are counted against the limit of their tenant", function()
            fresh { rate = { per_second = 1, per_minute = 10 } }
            local a = good(tenant_token "tenant_a").tenant_access_token
            local b = good(tenant_token "tenant_b").tenant_access_token
            assert.is_true(works(a))
            refused(429, 99991400, primary(a))
            assert.is_true(works(b))
        end)

        it("come back while half an hour of them remains", function()
            local app_first = good(app_token()).app_access_token
            local first = good(tenant_token "tenant_a").tenant_access_token
            now = NOW + 5400
            local same = good(tenant_token "tenant_a")
            assert.are.same({ first, 1800 }, { same.tenant_access_token, same.expire })
            assert.are.equal(app_first, good(app_token()).app_access_token)
            now = NOW + 5401
            assert.are_not.equal(app_first, good(app_token()).app_access_token)
            local second = good(tenant_token("tenant_a", app_first)).tenant_access_token
            assert.are_not.equal(first, second)
            assert.is_true(works(first) and works(second))
            now = NOW + 7200
            refused(400, 99991663, primary(first))
            refused(200, 99991664, tenant_token("tenant_a", app_first))
            assert.is_true(works(second))
        end)

        it("are refused to a bad app token and an unknown tenant", function()
            for _, bad in ipairs {
                "a-unknown", tokens.feishu.tenant_access_token, tokens.feishu.user_access_token,
            } do
                local body = refused(200, 99991664, tenant_token("tenant_a", bad))
                assert.is_nil(body.error)
            end
            refused(200, 10013, tenant_token "elsewhere")
            refused(200, 10013, tenant_token(tokens.lark.tenant_key))
            refused(200, 10003, ask("POST", TENANT_TOKEN, { body = { tenant_key = "tenant" } }))
            assert.are.equal(0, state "tenant_tokens")
        end)

        it("of the app itself are good for no other endpoint", function()
            local body = refused(400, 99991664, primary(good(app_token()).app_access_token))
            assert.are.equal("app access token not support", body.msg)
        end)
    end)

    local REDIRECT = "http://127.0.0.1:8000/callback"

    local function authorize(changes)
        local answer = ask("GET", AUTHORIZE .. "?" .. form(merged({
            client_id = tokens[service].app_id, redirect_uri = REDIRECT, response_type = "code",
            scope = "calendar:calendar offline_access", state = "s",
        }, changes)))
        return text.form(header(answer, "location"):match("%?(.*)$")).code
    end

    local function grant(kind, fields)
        return ask("POST", OAUTH, {
            headers = { ["content-type"] = FORM },
            body = form(merged({
                grant_type = kind, client_id = tokens[service].app_id,
                client_secret = tokens[service].app_secret,
            }, fields)),
        })
    end

    local function login(changes)
        local _, body = grant("authorization_code", {
            code = authorize(changes), redirect_uri = REDIRECT,
        })
        assert.truthy(body.access_token)
        return body
    end

    local function refresh(token) return grant("refresh_token", { refresh_token = token }) end

    describe("of a user", function()
        it("are independent from login to login", function()
            local one, two = login(), login()
            assert.are_not.equal(one.access_token, two.access_token)
            local renewed = good(refresh(one.refresh_token))
            good(refresh(two.refresh_token))
            good(refresh(renewed.refresh_token))
            for _, token in ipairs { one.access_token, two.access_token, renewed.access_token } do
                assert.is_true(works(token))
            end
            refused(400, 20073, refresh(one.refresh_token))
            refused(400, 20073, refresh(two.refresh_token))
        end)

        it("live on after a refresh on Feishu, until they expire", function()
            local old = login().access_token
            now = NOW + 100
            good(refresh(login().refresh_token))
            local first = login()
            good(refresh(first.refresh_token))
            now = NOW + 7199
            assert.is_true(works(old) and works(first.access_token))
            now = NOW + 7300
            refused(400, 99991677, primary(first.access_token))
        end)

        it("have a minute after a refresh on Lark", function()
            service = "lark"
            local first, other = login(), login()
            now = NOW + 100
            local _, second = refresh(first.refresh_token)
            now = NOW + 159
            assert.is_true(works(first.access_token))
            now = NOW + 160
            refused(400, 99991677, primary(first.access_token))
            assert.is_true(works(second.access_token))
            assert.is_true(works(other.access_token))
        end)

        it("do not gain by the grace of Lark", function()
            service = "lark"
            local first = login()
            now = NOW + 7190
            refresh(first.refresh_token)
            now = NOW + 7200
            refused(400, 99991677, primary(first.access_token))
        end)

        it("have refresh tokens that live as long as is wished", function()
            fresh { refresh_seconds = 100 }
            local first = login()
            assert.are.equal(100, first.refresh_token_expires_in)
            now = NOW + 99
            local second = good(refresh(first.refresh_token))
            now = NOW + 199
            refused(400, 20037, refresh(second.refresh_token))
        end)

        it("end with the login after 365 days, however often refreshed", function()
            local body = login()
            for _ = 1, 60 do
                now = now + 6 * DAY
                body = good(refresh(body.refresh_token))
            end
            assert.are.equal(5 * DAY, body.refresh_token_expires_in)
            now = NOW + 365 * DAY
            refused(400, 20037, refresh(body.refresh_token))
        end)

        it("are counted, with the refreshes that were tried and those that came true", function()
            local body = login()
            refused(400, 20026, refresh "unknown")
            good(refresh(body.refresh_token))
            refused(400, 20073, refresh(body.refresh_token))
            assert.are.same({ 2, 1, 3 },
                { state "user_tokens", state "refreshes", state "refresh_attempts" })
            world:notice { service = "feishu", method = "POST", path = OAUTH, headers = {},
                           body = '{"grant_type":"refresh_token"}' }
            world:notice { service = "feishu", method = "POST", path = OAUTH, headers = {},
                           body = '{"grant_type":"authorization_code"}' }
            world:notice { service = "feishu", method = "POST", path = CALDAV, headers = {},
                           body = '{"grant_type":"refresh_token"}' }
            assert.are.equal(4, state "refresh_attempts")
            assert.are.equal(0, world:state("lark").refresh_attempts)
        end)

        it("are given out under the rate limit, and the tokens of apps without one", function()
            fresh { rate = { per_second = 2, per_minute = 10 } }
            for _ = 1, 5 do internal() end
            for _ = 1, 2 do refused(400, 20026, refresh "unknown") end
            refused(429, 99991400, refresh "unknown")
        end)
    end)

    describe("from another device", function()
        local GRANT = "urn:ietf:params:oauth:grant-type:device_code"

        local function basic(id, secret)
            return "Basic " .. text.base64(id .. ":" .. secret)
        end

        local function begin(fields, headers)
            local place = tokens[service]
            return ask("POST", DEVICE, {
                headers = merged({
                    ["content-type"] = FORM, host = "127.0.0.1:8443",
                    authorization = basic(place.app_id, place.app_secret),
                }, headers),
                body = form(merged({
                    client_id = place.app_id, scope = "calendar:calendar offline_access",
                }, fields)),
            })
        end

        local function begun(...)
            local answer, body = begin(...)
            assert.are.equal(200, answer.status)
            return body
        end

        local function poll(code) return grant(GRANT, { device_code = code }) end

        local function waits(name, answer, body)
            assert.are.same({ 400, name }, { answer.status, body.error })
            assert.are.equal("string", type(body.error_description))
            assert.is_nil(body.code)
        end

        local function open_page(target)
            return (ask("GET", (target:gsub("^https://[^/]+", ""))))
        end

        it("begins with two codes and the address of a page", function()
            local body = begun()
            assert.truthy(#body.device_code >= 32)
            assert.truthy(body.user_code:find("^%x%x%x%x%-%x%x%x%x$"))
            assert.truthy(body.verification_uri:find("^https://127%.0%.0%.1:8443/"))
            assert.are.equal(body.verification_uri .. "?user_code=" .. body.user_code,
                body.verification_uri_complete)
            assert.are.same({ 240, 1 }, { body.expires_in, body.interval })
            assert.is_nil(body.code)
            assert.are.equal(1, state "device_authorizations")
            assert.truthy(begun(nil, { host = 'x"<' }).verification_uri:find(
                "^https://accounts%.feishu%.cn/"))
        end)

        it("needs the app's credentials by Basic", function()
            local id, secret = tokens.feishu.app_id, tokens.feishu.app_secret
            for _, authorization in ipairs {
                "none", basic(id, "wrong"), basic("cli_wrong", secret), "Bearer " .. secret,
                "Basic " .. secret,
            } do
                local answer, body = begin(nil, {
                    authorization = authorization ~= "none" and authorization,
                })
                assert.are.same({ 401, "invalid_client" }, { answer.status, body.error })
                assert.is_nil(body.code)
            end
            local answer, body = begin { client_id = "cli_other" }
            assert.are.same({ 401, "invalid_client" }, { answer.status, body.error })
            assert.are.equal(0, state "device_authorizations")
        end)

        it("refuses what is no form or not whole", function()
            waits("invalid_request", begin { client_id = false })
            waits("invalid_request", begin(nil, { ["content-type"] = "application/json" }))
            waits("invalid_scope", begin { scope = "a a" })
            begun { scope = false }
        end)

        it("is approved at once when nothing else is wished", function()
            local code = begun().device_code
            local body = good(poll(code))
            assert.are.same({ "calendar:calendar offline_access", 7200, 604800 },
                { body.scope, body.expires_in, body.refresh_token_expires_in })
            assert.is_true(works(body.access_token))
            good(refresh(body.refresh_token))
            waits("invalid_grant", poll(code))
        end)

        it("is approved after as many seconds as is wished", function()
            fresh { device_approval = 10 }
            local code = begun().device_code
            waits("authorization_pending", poll(code))
            now = NOW + 9
            waits("authorization_pending", poll(code))
            now = NOW + 10
            good(poll(code))
        end)

        it("stays undecided until the page is opened, when so wished", function()
            fresh { device_approval = "never" }
            local one, two = begun(), begun()
            now = NOW + 200
            waits("authorization_pending", poll(one.device_code))
            local answer = open_page(one.verification_uri_complete)
            assert.are.equal(200, answer.status)
            assert.truthy(answer.body:find("Approved", 1, true))
            good(poll(one.device_code))
            waits("authorization_pending", poll(two.device_code))
        end)

        it("asks for the code on the page, and knows no strange ones", function()
            local body = begun()
            local answer = open_page(body.verification_uri)
            assert.are.equal(200, answer.status)
            assert.truthy(answer.body:find('name="user_code"', 1, true))
            assert.are.equal(400, open_page(body.verification_uri .. "?user_code=0000-000X").status)
            good(poll(body.device_code))
            assert.are.equal(400, open_page(body.verification_uri_complete).status)
            assert.are.equal(400, open_page(begun().verification_uri_complete:gsub("%x%x%x%x$",
                function(digits) return digits == "0000" and "1111" or "0000" end)).status)
        end)

        it("can be denied on the page or by the scope", function()
            local body = begun()
            local answer = open_page(body.verification_uri_complete .. "&deny=1")
            assert.truthy(answer.body:find("Denied", 1, true))
            open_page(body.verification_uri_complete)
            waits("access_denied", poll(body.device_code))
            waits("access_denied", poll(begun({ scope = "deny" }).device_code))
            fresh { device_approval = "never" }
            local later = begun { scope = "deny" }
            waits("authorization_pending", poll(later.device_code))
            open_page(later.verification_uri_complete)
            waits("access_denied", poll(later.device_code))
        end)

        it("tells a device that polls too fast, and wants five seconds more", function()
            fresh { device_approval = "never", device_interval = 2 }
            local body = begun()
            assert.are.equal(2, body.interval)
            waits("authorization_pending", poll(body.device_code))
            now = NOW + 1.5
            waits("slow_down", poll(body.device_code))
            now = NOW + 1.5 + 6
            waits("slow_down", poll(body.device_code))
            now = NOW + 7.5 + 12
            waits("authorization_pending", poll(body.device_code))
            now = NOW + 19.6
            open_page(body.verification_uri_complete)
            good(poll(body.device_code))
        end)

        it("runs out", function()
            fresh { device_seconds = 30 }
            local body = begun()
            assert.are.equal(30, body.expires_in)
            now = NOW + 30
            waits("expired_token", poll(body.device_code))
            assert.are.equal(400, open_page(body.verification_uri_complete).status)
            now = NOW + 29
            good(poll(body.device_code))
        end)

        it("knows its own codes only", function()
            waits("invalid_grant", poll "unknown")
            local code = begun().device_code
            refused(400, 20001, grant(GRANT))
            refused(400, 20002, grant(GRANT, { device_code = code, client_secret = "wrong" }))
            service = "lark"
            waits("invalid_grant", poll(code))
        end)

        it("refuses by the name alone", function()
            local answer = world:refuse({
                service = "feishu", method = "POST", path = DEVICE, query = "", headers = {},
                body = "",
            }, now, { code = 20072 })
            assert.are.same({ 503, "temporarily_unavailable" },
                { answer.status, json.decode(answer.body).error })
        end)
    end)

    describe("that are revoked", function()
        it("are refused with the code of their kind", function()
            local user, tenant = login(), internal().tenant_access_token
            local function app_token()
                return good(ask("POST", APP_TOKEN, {
                    body = app { app_ticket = world:ticket "feishu" },
                })).app_access_token
            end
            local of_app = app_token()
            assert.are.equal(1, world:revoke("feishu", "user"))
            refused(400, 99991668, primary(user.access_token))
            assert.is_true(works(tenant))
            assert.are.equal(1, world:revoke("feishu", "tenant"))
            refused(400, 99991663, primary(tenant))
            assert.are.equal(1, world:revoke("feishu", "app"))
            refused(200, 99991664, ask("POST", TENANT_TOKEN, {
                body = { app_access_token = of_app, tenant_key = "tenant" },
            }))
            assert.are_not.equal(of_app, app_token())
            assert.are.equal(1, world:revoke("feishu", "refresh"))
            refused(400, 20064, refresh(user.refresh_token))
            assert.are.equal(0, world:revoke("feishu", "refresh"))
        end)

        it("make room for a new one", function()
            local first = internal().tenant_access_token
            assert.are.equal(first, internal().tenant_access_token)
            world:revoke("feishu", "tenant")
            local second = internal().tenant_access_token
            assert.are_not.equal(first, second)
            assert.is_true(works(second))
            assert.are.equal(second, internal().tenant_access_token)
            assert.are.equal(2, state "tenant_tokens")
        end)

        it("leave the credentials alone, unless all are meant", function()
            local seeded = tokens.feishu
            for _, kind in ipairs { "user", "tenant", "app", "refresh" } do
                world:revoke("feishu", kind)
            end
            assert.is_true(works(seeded.user_access_token))
            assert.is_true(works(seeded.tenant_access_token))
            assert.are.equal(3, world:revoke("feishu", "user", true))
            refused(400, 99991668, primary(seeded.user_access_token))
            assert.is_true(works(seeded.tenant_access_token))
            assert.are.equal(1, world:revoke("feishu", "tenant", true))
            refused(400, 99991663, primary(seeded.tenant_access_token))
        end)

        it("belong to one service", function()
            service = "lark"
            local token = login().access_token
            world:revoke("feishu", "user", true)
            assert.is_true(works(token))
            assert.is_true(works(tokens.lark.user_access_token))
        end)

        it("may be the ticket", function()
            world:revoke("feishu", "ticket")
            local function with(ticket)
                return ask("POST", APP_TOKEN, { body = app { app_ticket = ticket } })
            end
            refused(200, 10012, with(tokens.feishu.app_ticket))
            good(with(world:ticket "feishu"))
        end)

        it("are told from those that expired and those that were used", function()
            local first = login()
            local second = good(refresh(first.refresh_token))
            world:revoke("feishu", "refresh")
            refused(400, 20073, refresh(first.refresh_token))
            refused(400, 20064, refresh(second.refresh_token))
            now = NOW + 7200
            refused(400, 99991677, primary(first.access_token))
            world:revoke("feishu", "user")
            refused(400, 99991668, primary(first.access_token))
        end)

        it("must be of a kind that exists", function()
            assert.is_nil(world:revoke("feishu", "other"))
            assert.is_nil(world:revoke("feishu"))
            assert.is_nil(world:revoke("youkong", "user"))
            assert.is_nil(world:revoke("youkong", "ticket"))
            assert.is_nil(world:ticket "youkong")
        end)
    end)

    describe("that are refused", function()
        it("can come with status 200", function()
            fresh { token_error_status = 200 }
            refused(200, 99991661, ask("POST", PRIMARY))
            refused(200, 99991663, primary "t-unknown")
            refused(200, 99991668, primary "u-unknown")
            refused(200, 99991671, primary "unknown")
            local token = login().access_token
            now = NOW + 7200
            refused(200, 99991677, primary(token))
            refused(400, 99992402, ask("POST", PRIMARY .. "?user_id_type=x", {
                token = tokens.feishu.user_access_token,
            }))
            refused(400, 20026, refresh "unknown")
        end)

        it("can come with status 400 where 200 is usual", function()
            fresh { token_error_status = 400 }
            refused(400, 99991664, ask("POST", TENANT_TOKEN, {
                body = { app_access_token = "a-x", tenant_key = "tenant" },
            }))
            refused(200, 10003, ask("POST", INTERNAL, { body = app { app_id = "cli_x" } }))
        end)
    end)

    it("live as long as is wished, whatever their kind", function()
        fresh { token_seconds = 60 }
        local user, tenant = login(), internal()
        assert.are.same({ 60, 60 }, { user.expires_in, tenant.expire })
        now = NOW + 59
        assert.is_true(works(user.access_token) and works(tenant.tenant_access_token))
        now = NOW + 60
        refused(400, 99991677, primary(user.access_token))
        refused(400, 99991663, primary(tenant.tenant_access_token))
    end)
end)
