--- The shapes that the services answer with.
local text = require "cloudcal.sandbox.text"

local answers = {}

local function generic_row(code)
    local row = require("cloudcal.codes.generic")[code]
    return row and { msg = row[2], http = row[3] }
end

--- What the code tables say of a code: http (if known) and msg. Nil for an unknown code.
function answers.row(code)
    return require("cloudcal.codes.calendar")[code] or require("cloudcal.codes.token")[code]
        or generic_row(code)
end

--- A time as HTTP writes it.
function answers.date(now)
    return os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(now))
end

--- An answer with any body.
function answers.plain(call, status, content_type, body, headers)
    local list = { { "Content-Type", content_type }, { "Date", answers.date(call.now) } }
    if call.log_id then list[#list + 1] = { "X-Tt-Logid", call.log_id } end
    for _, header in ipairs(headers or {}) do list[#list + 1] = header end
    return { status = status, headers = list, body = body }
end

--- An answer with a JSON body.
function answers.json(call, status, value, headers)
    return answers.plain(call, status, "application/json; charset=utf-8", text.json(value), headers)
end

--- What an unknown path or method gets: not the envelope.
function answers.not_found(call)
    return answers.plain(call, 404, "text/plain; charset=utf-8", "404 page not found")
end

--- Success in the envelope of Feishu and Lark.
function answers.success(call, data)
    return answers.json(call, 200, { code = 0, msg = "success", data = data })
end

local function troubleshooter(call, code)
    return ("排查建议查看(Troubleshooting suggestions): "
        .. "https://open.%s/search?from=openapi&log_id=%s&code=%d&method_id=%s"):format(
        call.place.domain, call.log_id, code, "sandbox")
end

-- What the services put beside the code when a scope is missing: {type, subject}, which is
-- not the documented {scope, url}.
local function permission_violations(call, kind)
    local list = text.array {}
    for i, scope in ipairs(call.endpoint and call.endpoint.scopes or {}) do
        list[i] = { type = kind, subject = scope }
    end
    return list
end

local violation_kinds = {
    [99991672] = "action_scope_required", [99991679] = "action_privilege_required",
}

local function detail(call, refusal)
    local kind = violation_kinds[refusal.code]
    local object = {
        log_id = call.log_id,
        troubleshooter = troubleshooter(call, refusal.code),
        field_violations = refusal.violations,
    }
    if kind then
        object.permission_violations = permission_violations(call, kind)
        object.helps = { {
            url = ("https://open.%s/app/%s/auth"):format(call.place.domain, call.place.app_id),
            description = "Apply for the scopes in the developer console",
        } }
    end
    return object
end

-- The services answer a token that is no good with HTTP 400, and at times with 200.
local function status_of(call, refusal, row, usual)
    if refusal.http then return refusal.http end
    local of_token = row.token_refused or refusal.code == 99991661
    return of_token and call.world.token_error_status or row.http or usual
end

--- A refusal {code, msg, http, violations, headers} in the envelope of Feishu and Lark.
function answers.refusal(call, refusal)
    local row = answers.row(refusal.code) or {}
    return answers.json(call, status_of(call, refusal, row, 400), {
        code = refusal.code,
        msg = refusal.msg or row.msg or "refused by the sandbox",
        error = detail(call, refusal),
    }, refusal.headers)
end

--- A refusal { code, msg, http, headers } of the endpoints that give out app and tenant tokens.
function answers.token_refusal(call, refusal)
    local row = answers.row(refusal.code) or {}
    return answers.json(call, status_of(call, refusal, row, 200), {
        code = refusal.code, msg = refusal.msg or row.msg or "refused by the sandbox",
    }, refusal.headers)
end

-- The names of RFC 6749 for the codes of the OAuth endpoint.
local oauth_names = {
    [20001] = "invalid_request", [20002] = "invalid_client", [20036] = "unsupported_grant_type",
    [20048] = "invalid_client", [20050] = "server_error", [20063] = "invalid_request",
    [20067] = "invalid_scope", [20068] = "invalid_scope", [20070] = "invalid_request",
    [20072] = "temporarily_unavailable",
}

--- The code as this service's OAuth endpoint writes it: a string on Lark.
function answers.oauth_code(call, code)
    if call.service == "lark" then return tostring(code) end
    return code
end

--- A refusal { code, msg, http, headers } of the OAuth endpoint; without a code, `error` is
-- the name of RFC 6749 or RFC 8628.
function answers.oauth_refusal(call, refusal)
    local row = refusal.code and answers.row(refusal.code) or {}
    return answers.json(call, refusal.http or row.http or 400, {
        code = refusal.code and answers.oauth_code(call, refusal.code),
        error = refusal.error or oauth_names[refusal.code] or "invalid_grant",
        error_description = refusal.msg or row.msg or "refused by the sandbox",
    }, refusal.headers)
end

--- Success in the envelope of Youkong.
function answers.done(call, data)
    return answers.json(call, 200, { Success = true, Error = text.null, Data = data })
end

--- A refusal in the envelope of Youkong. The vendor publishes no codes, so those of the
-- sandbox are strings that cannot be mistaken for the vendor's.
function answers.refused(call, code, description, http, headers)
    return answers.json(call, http or 200, {
        Success = false,
        Error = { code = code, Description = description },
        Data = text.null,
    }, headers)
end

return answers
