--- Answers that no service would give, through whole calls: never a raise, always a result or an
-- error of a kind that is documented, nothing beyond its ceiling, no secret, and no time that
-- grows faster than the answer.
-- fuzz_answers.lua COUNT [SEED]

local cloudcal = require "cloudcal"
local codes = require "cloudcal.codes"
local core = require "cloudcal.core"
local examples = require "spec.golden.vendor_examples"
local mutate = require "spec.torture.mutate"
local wire = require "spec.wire"

local count, seed = ...
count, seed = tonumber(count), tonumber(seed) or os.time()

local MOST_SECONDS = 2 -- of one call; a tenth of a second is much
local MOST_RAW, LONGEST_WAIT = 4096, 86400

local SECRET = "CANARY-0123456789"

local BODIES = {
    '{"code":99991663,"msg":"Invalid access token","error":{"log_id":"L","troubleshooter":"T"}}',
    '{"code":190004,"msg":"method rate limited"}', '{"code":"190003","msg":"internal"}',
    [[{"code":99992402,"msg":"field validation failed","error":{"field_violations":[{"field":"a",
        "value":"v","description":"d"}],"helps":[{"url":"https://h","description":"d"}]}}]],
    '{"error":"invalid_grant","error_description":"gone","code":20003}',
    '{"Success":false,"Description":"签名错误","Data":null}', "<html>502</html>", "",
    '{"code":0,"tenant_access_token":"t-1","expire":7200}', "[]", "null", "1e999",
    ('{"code":1,"msg":"%s"}'):format(SECRET), SECRET,
}
for _, example in ipairs(examples) do BODIES[#BODIES + 1] = example.response end

local HEADS = {
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Tt-Logid: 20261122\r\n\r\n",
    "HTTP/1.1 429 Too Many\r\nx-ogw-ratelimit-reset: 3\r\nRetry-After: 1.5\r\n\r\n",
    "HTTP/2 404\r\ncontent-type: text/plain\r\nX-Request-Id: r\r\nx-request-id: r2\r\n\r\n",
    "HTTP/1.1 500 Oops\r\nDate: Sun, 22 Nov 2026 03:00:00 GMT\r\nX-Empty:\r\n\r\n", "", "\n",
    "HTTP/1.1 400 No\r\nX-Echo: " .. SECRET .. "\r\n\r\n",
}

local WORDS = {
    " ", "\t", "\n", "\r\n", "0", "9", "1", ".", "-", "e", "{", "}", "[", "]", '"', "\\", ",", ":",
    "null", "true", "\0", "\255", "有", "\237\160\128", '"code":', '"code":0', '"code":190004',
    '"code":"0"', '"code":1e3', '"code":-0', '"msg":', '"data":{}', '"error":', '"password":"x"',
    '"access_token":"', "access_token", '{"a":', "[[", "9007199254740993", "1.5", "\\u0000",
    "\\ud800", "Retry-After: 5\r\n", "X-Tt-Logid: ", "x-ogw-ratelimit-reset: 99999999999\r\n",
    '"Success":true', '"Success":"true"', '"Data":{"CalendarId":1}', SECRET, SECRET:sub(1, 9),
    '"Description":', "a:", "=", "/", "%", "&lt;",
}

local STATUSES = { 200, 200, 200, 200, 201, 204, 302, 400, 400, 401, 403, 404, 429, 500, 502, 599,
                   100, 199, 600, 999, 0 }
local FAILURES = { 1, 3, 6, 7, 18, 23, 27, 28, 35, 42, 43, 52, 55, 56, 60, 65, 77, 92, 1001, 1002,
                   1003, 1004, 1005, 1006, 1007, 5000, -1 }

local function of(service, options)
    options.retry, options.rate_limit, options.store = false, false, false
    return cloudcal[service](options)
end

local user = of("feishu", { user_access_token = SECRET })
local app = of("lark", { app_id = "cli_1", app_secret = SECRET })
local calendars = of("youkong", { environment = "sandbox", client_key = "k", secret = SECRET })

local apps = 0
local CALLS = {
    function() return user:generate_caldav_conf { device_name = "x" } end,
    function()
        return user:create_exchange_binding { admin_account = "a", exchange_account = "e",
                                              user_id = "u" }
    end,
    function() return user:get_exchange_binding "x" end,
    function() return user:delete_exchange_binding "x" end,
    function() return user:primary_calendar { raw = true } end,
    function() return user:request { path = "/open-apis/x", method = "GET" } end,
    function() return user.calendar.v4.calendar.primary {} end,
    function() return calendars:create_calendar("u", { CalendarName = "n" }) end,
    function() return calendars:update_calendar("u", { CalendarName = "n", CalendarId = "i" }) end,
    function() return calendars:request { path = "/v1/allinone/x", user_code = "u" } end,
    function() -- each app anew: a refusal is remembered
        apps = apps + 1
        return app:primary_calendar { tenant_key = "t" .. apps }
    end,
    function()
        return app:exchange_code { code = "c", redirect_uri = "https://a.example/", user = "u" }
    end,
}

local number = 0

local function check_error(err, meta)
    assert(codes.kind(err.kind), "kind " .. tostring(err.kind))
    assert(err.acted == "no" or err.acted == "maybe" or err.acted == "yes", "acted")
    assert(type(err.retryable) == "boolean", "retryable")
    assert(type(err.message) == "string" and #err.message <= 2 * MOST_RAW, "message")
    assert(err.raw == nil or #err.raw <= MOST_RAW, "raw")
    assert(not err.retry_after or (err.retry_after >= 0 and err.retry_after <= LONGEST_WAIT),
        "retry_after")
    local line = tostring(err)
    assert(not line:find "[\r\n]", "more than one line")
    local pretty = number % 16 == 0 and cloudcal.pretty(err) or "" -- half the time of a call
    for _, text in ipairs { line, err.raw or "", meta.raw or "", pretty } do
        assert(not text:find(SECRET, 1, true), "a secret")
    end
end

local function check(result, err, meta)
    assert((result == nil) ~= (err == nil), "neither or both")
    assert(type(meta.headers) == "table" or meta.headers == nil, "headers")
    for name in pairs(meta.headers or {}) do assert(not name:find "%u", "a name in upper case") end
    if err then check_error(err, meta) end
end

local function answers_of(random, mutated)
    local given = {}
    for i = 1, random(1, 2) do
        given[i] = { status = STATUSES[random(#STATUSES)], head = mutated(HEADS),
                     body = mutated(BODIES) }
        if random(20) == 1 then
            given[i].fail, given[i].sent = FAILURES[random(#FAILURES)], random(2) == 1
            given[i].text = mutated(HEADS):sub(1, 255)
        end
    end
    return given
end

local kinds = {}

local wrong, slowest = mutate.each(count, seed, MOST_SECONDS, function(random, own)
    number = own
    local answers = answers_of(random, mutate.new(random, WORDS))
    local _, result, err, meta = wire.play(answers, CALLS[random(#CALLS)])
    check(result, err, meta)
    kinds[err and err.kind or "success"] = true
end)
core.engine():close()

local seen = 0
for _ in pairs(kinds) do seen = seen + 1 end
if seen < 14 then
    wrong = wrong + 1
    print("hardly any kind was met: " .. seen)
end
print(("%d answers, %d outcomes, %.2f s at most|%d"):format(count, seen, slowest, wrong))
os.exit(wrong == 0 and 0 or 1, true)
