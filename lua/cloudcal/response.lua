--- From what came back to a body, or to the fields of an error.

local codes = require "cloudcal.codes"
local core = require "cloudcal.core"
local json = require "cloudcal.json"
local redact = require "cloudcal.redact"
local schema = require "cloudcal.schema"

local response = {}

local MAX_RAW = 4096
local LONGEST_WAIT = 86400 -- a named time beyond a day is not believed

-- {======================================================
-- Headers
-- =======================================================}

--- Finds one header in the header lines of an answer; the name in lower case.
-- @return its value; nil if it is absent or empty
response.header = core.header

--- Reads all header lines: names in lower case, repeats joined by ", ".
function response.headers(head)
    local headers = {}
    for name, value in head:gmatch("\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
        local key = name:lower()
        value = value:match("^.*%S") or "" -- "%s+$" would try each space of a long run
        headers[key] = headers[key] and headers[key] .. ", " .. value or value
    end
    return headers
end

local function seconds_in(head, name)
    local text = response.header(head, name)
    local seconds = text and text:find("^%d[%d.]*$") and tonumber(text)
    return seconds and math.min(seconds, LONGEST_WAIT) or nil
end

--- The time after which the service wants to be asked again, in seconds; nil if it names none.
function response.retry_after(head)
    return seconds_in(head, "x-ogw-ratelimit-reset") or seconds_in(head, "retry-after")
end

-- {======================================================
-- Failed exchanges
-- =======================================================}

--- Fields of the error for an exchange that failed.
-- @param number libcurl's, or one of src/core.h
-- @param text libcurl's description
-- @param sent request bytes may have left
function response.transport_error(number, text, sent, head)
    local row = codes.transport(number) or { name = "curl_" .. number, kind = "network" }
    local left = sent and row.sent ~= false
    return {
        kind = row.kind, name = row.name, hint = row.hint, hint_zh = row.hint_zh,
        -- libcurl repeats a proxy from the environment whole when it cannot read it
        message = text ~= "" and text:gsub("//[^'/]*@", "//***@") or row.name:gsub("_", " "),
        acted = left and "maybe" or "no",
        log_id = head and response.log_id(head) or nil,
    }
end

-- {======================================================
-- Answers without a readable verdict
-- =======================================================}

local function name_by_status(status)
    if status == 401 then return "http_unauthorized" end
    if status == 403 then return "http_forbidden" end
    if status == 429 then return "http_too_many_requests" end
    if status >= 500 and status <= 599 then return "http_server_error" end
end

local function is_wrong_path(answer)
    local kind = response.header(answer.head, "content-type") or ""
    return answer.status == 404 and kind:lower():match("^text/plain") ~= nil
end

-- A 4xx is a refusal, whoever sent it. All else may have come after the service acted.
local function acted_by_status(status)
    return status >= 400 and status <= 499 and "no" or "maybe"
end

local function without_envelope(answer, name, message)
    local status = answer.status
    local named = name_by_status(status)
    if named then
        name = named
    elseif is_wrong_path(answer) then
        name = "wrong_path_or_base_url"
    end
    return {
        name = name, message = ("HTTP %d: %s"):format(status, message),
        acted = acted_by_status(status),
    }
end

-- {======================================================
-- Verdicts
-- =======================================================}

local VERDICT_MESSAGE_LENGTH = 400

local function quote(msg, secrets)
    if not msg or msg == "" then return "without a message" end
    msg = redact.text(msg, secrets) -- before it is cut, lest half a secret stays
    if #msg > VERDICT_MESSAGE_LENGTH then
        msg = msg:sub(1, VERDICT_MESSAGE_LENGTH):gsub("[\192-\255][\128-\191]*$", "") .. "…"
    end
    return msg
end

-- Of a code that no table knows, a word of the service or the HTTP status says more than nothing.
local function row_of(verdict, status)
    local known = not verdict.name and verdict.code ~= nil and codes.find(verdict.code)
    if known then return known end
    local name = verdict.word or verdict.name or "unknown_code"
    local by_status = not verdict.word and name_by_status(status)
    local row = codes.named(name)
    return { name = name, kind = by_status and codes.named(by_status).kind or row.kind,
             hint = row.hint, hint_zh = row.hint_zh }
end

local function is_uncertain(endpoint, answer, verdict, row)
    if endpoint.repeat_after and endpoint.repeat_after[verdict.code] then return false end
    return row.kind == "service_error" or answer.status >= 500 and not row.msg
end

local function text_or_nil(value)
    return type(value) == "string" and value or nil
end

-- Another identity is no way out where the endpoint takes one kind of token.
local function advice(row, endpoint)
    local sole, tokens = row.sole, endpoint.tokens
    return sole and #tokens == 1 and tokens[1] == sole.token and sole or row
end

local function refused(endpoint, answer, verdict, secrets)
    local row, msg = row_of(verdict, answer.status), text_or_nil(verdict.msg)
    local detail = verdict.detail or {}
    local uncertain = is_uncertain(endpoint, answer, verdict, row)
    local told = advice(row, endpoint)
    return {
        kind = row.kind, code = verdict.code, name = row.name,
        hint = told.hint, hint_zh = told.hint_zh,
        message = quote(msg, secrets), msg = msg,
        acted = uncertain and "maybe" or "no",
        token_refused = row.token_refused and not (msg or ""):find("not support", 1, true),
        violations = detail.field_violations or detail.permission_violations,
        helps = detail.helps, troubleshooter = detail.troubleshooter,
    }
end

-- {======================================================

--- The log id: from the headers, else from the body's error object.
function response.log_id(head, body)
    local id = response.header(head, "x-tt-logid") or response.header(head, "x-request-id")
    if id then return id end
    local detail = type(body) == "table" and type(body.error) == "table" and body.error or {}
    id = detail.log_id or detail.logid
    return type(id) == "string" and id or nil
end

local function judge(service, endpoint, answer, secrets)
    if answer.status < 200 or answer.status > 599 then
        return nil, { name = "not_the_envelope", acted = "maybe",
            message = ("HTTP status %d is none"):format(answer.status) }
    end
    local body, reason = json.decode(answer.body)
    if body == nil then
        return nil, without_envelope(answer, reason, "the answer is not readable: " .. reason)
    end
    local verdict = type(body) == "table" and service.verdict(body)
    if not verdict then
        return body, without_envelope(answer, "not_the_envelope",
            "the answer is not in the form of this service")
    end
    if not verdict.success then return body, refused(endpoint, answer, verdict, secrets) end
    local wrong, wanted = schema.check_answer(endpoint, body)
    if wrong then
        return body, { name = "wrong_response_type", acted = "yes", field = wrong,
            message = ("%s is no %s in the answer"):format(wrong, wanted) }
    end
    return body
end

--- Reads an answer: the body's code decides, whatever the HTTP status says.
-- @param answer { status, head, body }
-- @param secrets what must not be shown; an array of strings
-- @return the decoded body and nil; or the decoded body or nil, and the fields of an error
function response.read(service, endpoint, answer, secrets)
    local body, fields = judge(service, endpoint, answer, secrets)
    if fields then
        fields.http_status = answer.status
        fields.log_id = response.log_id(answer.head, body)
        fields.retry_after = response.retry_after(answer.head)
        if body ~= nil then fields.body = body
        else fields.raw = redact.excerpt(answer.body, secrets, MAX_RAW) end
    end
    return body, fields
end

return response
