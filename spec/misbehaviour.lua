--- What a broken or hostile server can do to a call, fault by fault, and what has to come of it:
-- for the spec, and for the torture suite in every way of waiting.

local cloudcal = require "cloudcal"
local core = require "cloudcal.core"
local starved = require "spec.torture.starved"

local misbehaviour = {}

-- fault = { kind, acted }, or { "fine" } where the answer is good after all.
-- A third member: how often a repeatable call is sent when two attempts are allowed.
misbehaviour.expected = {
    none = { "fine" },
    slow = { "timeout", "maybe", 1 },
    stalled = { "timeout", "maybe", 1 },
    stalled_body = { "timeout", "maybe", 1 },
    drip = { "timeout", "maybe", 1 },
    reset = { "network", "maybe", 2 },
    close = { "network", "maybe", 2 },
    reset_reused = { "network", "maybe", 2, cured = true },
    close_reused = { "network", "maybe", 2, cured = true },
    close_after = { "fine" },
    reset_body = { "network", "maybe", 2 },
    truncated = { "network", "maybe", 2 },
    cut_headers = { "network", "maybe", 2 },
    eof_body = { "network", "maybe", 2 },
    eof_body_bare = { "network", "maybe", 2 },
    two_lengths = { "bad_response", "maybe", 1 },
    huge_length = { "too_large", "maybe", 1 },
    negative_length = { "bad_response", "maybe", 1 },
    long_length = { "too_large", "maybe", 1 },
    lengths_and_chunked = { "bad_response", "maybe", 1 },
    bad_chunk = { "network", "maybe", 2 },
    huge_chunk = { "network", "maybe", 2 },
    cut_chunk = { "network", "maybe", 2 },
    garbage = { "bad_response", "maybe", 1 },
    http_09 = { "bad_response", "maybe", 1 },
    bad_status = { "bad_response", "maybe", 1 },
    status_000 = { "bad_response", "maybe", 1 },
    body_of_204 = { "bad_response", "maybe", 1 },
    switch = { "timeout", "maybe", 1 }, -- libcurl waits for what follows a 1xx
    nul_header = { "bad_response", "maybe", 1 },
    no_colon = { "bad_response", "maybe", 1 },
    huge_headers = { "too_large", "maybe", 1 },
    many_headers = { "fine" },
    continue_flood = { "fine" },
    endless_body = { "too_large", "maybe", 1 },
    big_body = { "too_large", "maybe", 1 },
    empty = { "bad_response", "maybe", 1 },
    bad_json = { "bad_response", "maybe", 1 },
    half_json = { "bad_response", "maybe", 1 },
    trailing_json = { "bad_response", "maybe", 1 },
    not_utf8 = { "bad_response", "maybe", 1 },
    not_object = { "bad_response", "maybe", 1 },
    no_code = { "bad_response", "maybe", 1 },
    no_data = { "bad_response", "yes", 1 },
    success_string = { "fine" },
    big_integer = { "bad_response", "maybe", 1 },
    gzip = { "bad_response", "maybe", 1 },
    gzip_bomb = { "bad_response", "maybe", 1 },
    html_502 = { "service_error", "maybe", 2 },
    html_503 = { "service_error", "maybe", 2 },
    plain_404 = { "bad_response", "no", 1 },
    redirect = { "bad_response", "maybe", 1 },
    rate_limited = { "rate_limited", "no", 1 },
    rate_limited_as_400 = { "rate_limited", "no", 1 },
    echo_secrets = { "invalid_request", "no", 1 },
}

misbehaviour.reused = { reset_reused = true, close_reused = true }
misbehaviour.late = { slow = true, stalled = true, stalled_body = true, drip = true, switch = true }

local CEILING = 4 * 1024 * 1024 -- bytes of a body

--- The body that a client takes.
misbehaviour.ceiling = CEILING

--- Seconds that a call may take.
function misbehaviour.timeout(fault)
    return misbehaviour.late[fault] and 0.3 or 4
end

--- A client that trusts the sandbox.
-- @param given base_url, ca_pem and user_access_token
-- @param timeout of its calls
function misbehaviour.client(given, timeout)
    return cloudcal.feishu {
        base_url = given.base_url, ca_pem = given.ca_pem, timeout = timeout,
        retry = { max_attempts = 2, max_delay = 0 }, max_response_bytes = CEILING,
        user_access_token = given.user_access_token, rate_limit = false,
    }
end

--- The request that the fault meets becomes the first of a connection, or for the faults of kept
-- connections the second.
function misbehaviour.prepare(client, fault)
    local before = misbehaviour.reused[fault] and "none" or "close_after"
    assert(client:request { method = "GET", timeout = 20,
        path = "/open-apis/calendar/v4/exchange_bindings/none", raw = true,
        headers = { ["X-Sandbox-Fault"] = before } } == nil)
    if before == "close_after" then cloudcal.sleep(0.005) end
end

--- The calls that meet it.
misbehaviour.calls = {
    repeatable = function(client, options) return client:primary_calendar(options) end,
    ["not repeatable"] = function(client, options)
        return client:generate_caldav_conf({ device_name = "phone" }, options)
    end,
}

--- How often a call is sent when two attempts are allowed.
function misbehaviour.requests(fault, kind)
    return kind == "repeatable" and misbehaviour.expected[fault][3] or 1
end

--- What is wrong with how a call ended; nil if nothing is.
-- @param seen ok, or kind, acted, stage, retryable
function misbehaviour.problem(fault, kind, seen)
    local expected = misbehaviour.expected[fault]
    if expected[1] == "fine" or (expected.cured and kind == "repeatable") then
        return not seen.ok and ("it failed as " .. tostring(seen.kind)) or nil
    end
    if seen.ok then return "it has a result" end
    for i, name in ipairs { "kind", "acted" } do
        if seen[name] ~= expected[i] then return name .. " is " .. tostring(seen[name]) end
    end
    if seen.stage ~= "call" then return "stage is " .. tostring(seen.stage) end
    if kind == "not repeatable" and seen.acted ~= "no" and seen.retryable then
        return "it may be sent again"
    end
end

local function write(path, text)
    local file = io.open(path, "w")
    if file then
        file:write(text)
        file:close()
    end
end

-- KiB; 0 where the system does not tell
local function memory(name)
    local file = io.open "/proc/self/status"
    local size = file and file:read("*a"):match(name .. ":%s*(%d+) kB")
    if file then file:close() end
    return tonumber(size or 0)
end

--- Makes one call that meets a fault, in whatever way of waiting this runs.
-- @param given see client
-- @return how it ended as problem() wants it; late, seconds after its deadline for which we are to
-- blame; growth, bytes by which the process was larger meanwhile; again, whether a good call
-- of the same client works
function misbehaviour.attempt(given, fault, kind)
    local timeout = misbehaviour.timeout(fault)
    local client = misbehaviour.client(given, timeout)
    misbehaviour.prepare(client, fault)
    collectgarbage()
    collectgarbage()
    write("/proc/self/clear_refs", "5") -- VmHWM begins anew
    local before, waited, started = memory "VmRSS", starved(), core.now()
    local result, err, meta = misbehaviour.calls[kind](client,
        { headers = { ["X-Sandbox-Fault"] = fault } })
    local elapsed = core.now() - started
    local seen = {
        ok = result ~= nil, late = elapsed - timeout - (starved() - waited),
        growth = (memory "VmHWM" - before) * 1024, early = meta.elapsed > elapsed,
    }
    if err then
        seen.kind, seen.acted, seen.stage = err.kind, err.acted, err.stage
        seen.retryable, seen.message = err.retryable, tostring(err)
    end
    seen.again = client:primary_calendar { timeout = 20 } ~= nil
    return seen
end

return misbehaviour
