-- The code tables against the vendors' documents and the contract, typed here a second time.
local calendar = require "cloudcal.codes.calendar"
local token = require "cloudcal.codes.token"
local generic = require "cloudcal.codes.generic"
local categories = require "cloudcal.codes.categories"
local transport = require "cloudcal.codes.transport"
local local_errors = require "cloudcal.codes.local_errors"

local golden = dofile "spec/golden/seed_codes.lua"

local function set_of(words)
    local set = {}
    for word in words:gmatch "%S+" do set[tonumber(word) or word] = true end
    return set
end

local function count(set)
    local n = 0
    for _ in pairs(set) do n = n + 1 end
    return n
end

local function service_row(code) return calendar[code] or token[code] end

local KINDS = set_of [[
    invalid_request unauthenticated login_required app_setup permission_denied not_found
    rate_limited quota_exhausted service_error rejected bad_response too_large network tls
    timeout cancelled cannot_wait out_of_memory
]]

local KIND_OF_CODE = {
    rate_limited = "190004 190005 190010 99991400",
    quota_exhausted = "99991403",
    service_error = "190003 20050 20072",
    unauthenticated = [[
        99991661 99991663 99991664 99991665 99991668 99991671 99991677
        4001 20005 20006 20013 20014
    ]],
    login_required = "99991679 99991669 20068",
    app_setup = "190006 190007 99991672 99991401 20074 10003 10014",
    permission_denied = "195101 191002 99991676",
    not_found = "195103 191000 191003",
    invalid_request = "190002 191001 191004 195102 195106 99992402 99991201",
    rejected = "195100 195104 195105",
}

local KIND_OF_CATEGORY = {
    rate_limited = "rate_limit",
    quota_exhausted = "quota",
    service_error = "server",
    unauthenticated = "token_refresh token_missing",
    login_required = "oauth_code oauth_refresh user_scope",
    app_setup = "app_credential app_status ip_denied scope",
    permission_denied = "forbidden policy",
    not_found = "not_found",
    invalid_request = "param id",
    rejected = "session business_contact other",
}

local CALENDAR_CODES = set_of [[
    190002 190003 190004 190005 190006 190007 190010 195100
    195101 195102 195103 195104 195105 195106 191000 191001 191002 191003 191004
]]

local TOKEN_CODES = set_of [[
    4001 10003 10005 10012 10013 10014 10015
    20001 20002 20003 20004 20005 20006 20007 20008 20009 20010 20013 20014 20021 20022 20023
    20024 20026 20036 20037 20046 20048 20049 20050 20063 20064 20065 20066 20067 20068 20069
    20070 20071 20072 20073 20074 21000 21001 230027
    99991201 99991400 99991401 99991403 99991543 99991661 99991662 99991663 99991664 99991665
    99991668 99991669 99991670 99991671 99991672 99991673 99991674 99991675 99991676 99991677
    99991679 99992402
]]

local TOKEN_REFUSED = set_of [[
    99991663 99991664 99991665 99991668 99991677 99991671 20005 20006 20013 20014 4001
]]

local CURLE = {
    [1] = "UNSUPPORTED_PROTOCOL", [2] = "FAILED_INIT", [3] = "URL_MALFORMAT",
    [4] = "NOT_BUILT_IN", [5] = "COULDNT_RESOLVE_PROXY", [6] = "COULDNT_RESOLVE_HOST",
    [7] = "COULDNT_CONNECT", [8] = "WEIRD_SERVER_REPLY", [16] = "HTTP2",
    [18] = "PARTIAL_FILE", [23] = "WRITE_ERROR", [26] = "READ_ERROR", [27] = "OUT_OF_MEMORY",
    [28] = "OPERATION_TIMEDOUT", [35] = "SSL_CONNECT_ERROR", [42] = "ABORTED_BY_CALLBACK",
    [43] = "BAD_FUNCTION_ARGUMENT", [48] = "UNKNOWN_OPTION", [49] = "SETOPT_OPTION_SYNTAX",
    [52] = "GOT_NOTHING", [53] = "SSL_ENGINE_NOTFOUND", [54] = "SSL_ENGINE_SETFAILED",
    [55] = "SEND_ERROR", [56] = "RECV_ERROR", [58] = "SSL_CERTPROBLEM", [59] = "SSL_CIPHER",
    [60] = "PEER_FAILED_VERIFICATION", [61] = "BAD_CONTENT_ENCODING",
    [63] = "FILESIZE_EXCEEDED", [65] = "SEND_FAIL_REWIND", [66] = "SSL_ENGINE_INITFAILED",
    [77] = "SSL_CACERT_BADFILE", [82] = "SSL_CRL_BADFILE", [83] = "SSL_ISSUER_ERROR",
    [89] = "NO_CONNECTION_AVAILABLE", [90] = "SSL_PINNEDPUBKEYNOTMATCH",
    [91] = "SSL_INVALIDCERTSTATUS", [92] = "HTTP2_STREAM", [97] = "PROXY",
    [98] = "SSL_CLIENTCERT", [99] = "UNRECOVERABLE_POLL", [100] = "TOO_LARGE",
}

local OUR_TRANSPORT = {
    [1001] = { "body_too_large", "too_large" },
    [1002] = { "headers_too_large", "too_large" },
    [1003] = { "headers_cut", "network" },
    [1004] = { "body_without_end", "network" },
    [1005] = { "conflicting_lengths", "bad_response" },
    [1006] = { "handshake_cut", "network" },
    [1007] = { "lost_in_fork", "cancelled" },
}

local NEVER_SENT = set_of [[
    2 3 4 5 6 7 35 48 49 53 54 58 59 60 66 77 82 83 89 90 91 97 98 1006
]]

local KIND_OF_LOCAL = {
    not_found = "no_primary_calendar caldav_collection_missing",
    rejected = "exchange_sync_failed clock_skew youkong_refused unknown_code oauth_refused",
    timeout = "exchange_sync_late deadline_exceeded login_busy",
    login_required = [[
        not_logged_in login_not_renewable login_expired login_lost device_code_expired
        expired_token access_denied invalid_grant authorization_pending
    ]],
    app_setup = "invalid_client app_ticket_missing",
    unauthenticated = [[
        no_credentials token_function_failed http_unauthorized caldav_unauthorized
    ]],
    cannot_wait = "cannot_wait",
    bad_response = [[
        wrong_path_or_base_url not_json not_utf8 not_the_envelope inexact_integer
        wrong_response_type no_caldav_here not_xml xml_refused not_multistatus no_principal
        no_calendar_home foreign_address too_many_redirects
    ]],
    out_of_memory = "out_of_memory",
    invalid_request = [[
        signer_failed unknown_field wrong_type too_long too_short unknown_value missing_field
        unwanted_field filled_by_cloudcal invalid_utf8 invalid_path invalid_header invalid_token
        wrong_token_kind identity_unclear not_for_tenants not_sendable invalid_redirect_uri
        missing_tenant_key store_needed shared_store_needed invalid_account
        file_not_written
    ]],
    permission_denied = "http_forbidden caldav_forbidden",
    rate_limited = "http_too_many_requests own_rate_limit slow_down",
    service_error = "http_server_error store_failed",
}

local function check_hints(row, what)
    assert.is_true(type(row.hint) == "string" and #row.hint > 0, what .. ": no hint")
    assert.is_true(type(row.hint_zh) == "string" and #row.hint_zh > 0, what .. ": no hint_zh")
    assert.is_nil(row.hint:find "[\128-\255]", what .. ": hint is not plain ASCII")
    assert.is_truthy(row.hint_zh:find "[\228-\233][\128-\191]", what .. ": no Chinese in hint_zh")
    assert.is_nil((row.hint .. row.hint_zh):find "[%c]", what .. ": a hint is one line")
end

local function check_kind_and_hints(row, what)
    assert.is_true(KINDS[row.kind] or false, what .. ": kind " .. tostring(row.kind))
    check_hints(row, what)
end

local function check_name(row, what)
    assert.is_truthy(type(row.name) == "string" and row.name:find "^[a-z][a-z0-9_]+$",
        what .. ": name " .. tostring(row.name))
end

local function check_only(row, fields, what)
    for field in pairs(row) do
        assert.is_true(fields[field] or false, what .. ": stray field " .. tostring(field))
    end
end

--- Every member of the sets in `kinds` has its kind in `rows`, and how many there are.
local function check_kinds(kinds, row_of)
    local n = 0
    for kind, words in pairs(kinds) do
        for key in pairs(set_of(words)) do
            local row = row_of(key)
            assert.is_table(row, "no row for " .. key)
            assert.equal(kind, row.kind, tostring(key))
            n = n + 1
        end
    end
    return n
end

describe("codes of the seeds", function()
    local rows = {
        ["calendar.v4.setting.generate_caldav_conf"] = 8,
        ["calendar.v4.exchange_binding.create"] = 14,
        ["calendar.v4.calendar.primary"] = 13,
    }
    for operation, n in pairs(rows) do
        it("of " .. operation .. " stand in calendar.lua", function()
            assert.equal(n, #golden[operation])
            for _, row in ipairs(golden[operation]) do
                local http, code, msg = row[1], row[2], row[3]
                assert.is_table(calendar[code], "no row for " .. code)
                assert.equal(http, calendar[code].http, tostring(code))
                assert.equal(msg, calendar[code].msg)
            end
        end)
    end

    it("are all that calendar.lua has", function()
        local seen = {}
        for _, list in pairs(golden) do
            for _, row in ipairs(list) do seen[row[2]] = true end
        end
        assert.same(seen, CALENDAR_CODES)
        for code in pairs(calendar) do assert.is_true(seen[code], tostring(code)) end
        assert.equal(19, count(calendar))
    end)
end)

describe("calendar.lua and token.lua", function()
    local fields = set_of "http name kind msg hint hint_zh token_refused sole"

    it("have complete rows", function()
        for _, rows in ipairs { calendar, token } do
            for code, row in pairs(rows) do
                local what = tostring(code)
                assert.equal("number", type(code))
                check_only(row, fields, what)
                check_name(row, what)
                check_kind_and_hints(row, what)
                if row.sole then
                    local sole = row.sole
                    check_only(sole, set_of "token hint hint_zh", what)
                    check_hints(sole, what)
                    assert.is_truthy(sole.token == "user" or sole.token == "tenant", what)
                end
                assert.is_true(type(row.msg) == "string" and #row.msg > 0, what)
                assert.is_true(row.http == nil or row.http >= 200 and row.http < 600, what)
            end
        end
    end)

    it("give no name twice", function()
        local code_of = {}
        for _, rows in ipairs { calendar, token } do
            for code, row in pairs(rows) do
                assert.is_nil(code_of[row.name], row.name)
                code_of[row.name] = code
            end
        end
        assert.equal(190004, code_of.method_rate_limited)
    end)

    it("share no code, and token.lua has exactly its list", function()
        for code in pairs(token) do
            assert.is_nil(calendar[code], tostring(code))
            assert.is_true(TOKEN_CODES[code] or false, tostring(code))
        end
        for code in pairs(TOKEN_CODES) do assert.is_table(token[code], tostring(code)) end
        assert.equal(67, count(token))
    end)

    it("give every code that the contract names its kind", function()
        assert.equal(46, check_kinds(KIND_OF_CODE, service_row))
    end)

    it("mark exactly the refused tokens", function()
        for _, rows in ipairs { calendar, token } do
            for code, row in pairs(rows) do
                assert.equal(TOKEN_REFUSED[code], row.token_refused, tostring(code))
            end
        end
        for code in pairs(TOKEN_REFUSED) do assert.is_table(token[code], tostring(code)) end
    end)

    it("take the OAuth meaning where a code has two", function()
        assert.equal("The request is missing a required parameter.", token[20001].msg)
        assert.equal("The client secret is invalid.", token[20002].msg)
        assert.equal("The authorization code has expired.", token[20004].msg)
        assert.equal("The user does not exist.", token[20008].msg)
        assert.equal("The specified app is not installed.", token[20009].msg)
        assert.equal(500, token[20050].http)
        assert.equal(503, token[20072].http)
        assert.equal(200, token[10003].http)
    end)
end)

describe("generic.lua", function()
    it("has rows of category, msg and perhaps a status", function()
        for code, row in pairs(generic) do
            local what = tostring(code)
            assert.equal("number", type(code))
            assert.is_table(categories[row[1]], what .. ": category " .. tostring(row[1]))
            assert.is_true(type(row[2]) == "string" and #row[2] > 0, what)
            assert.is_nil(row[2]:find "%s$", what)
            assert.is_true(row[3] == nil or row[3] >= 200 and row[3] < 600, what)
            assert.equal(row[3] and 3 or 2, count(row), what)
        end
    end)

    it("repeats no code, and all tables together have 601", function()
        for code in pairs(generic) do assert.is_nil(service_row(code), tostring(code)) end
        assert.equal(515, count(generic))
        assert.equal(601, count(generic) + count(calendar) + count(token))
    end)

    it("knows some codes by heart", function()
        assert.same({ "not_found", "expired resource deleted by ka" }, generic[600])
        assert.same({ "not_found", "event not found" }, generic[193001])
        assert.equal(400, generic[198001][3])
    end)
end)

describe("categories.lua", function()
    it("has 20 complete rows of the right kind", function()
        assert.equal(20, check_kinds(KIND_OF_CATEGORY, function(key) return categories[key] end))
        assert.equal(20, count(categories))
        for name, row in pairs(categories) do
            check_only(row, set_of "kind hint hint_zh", name)
            check_kind_and_hints(row, name)
        end
    end)
end)

describe("transport.lua", function()
    local allowed = set_of [[
        network tls timeout too_large out_of_memory bad_response cancelled invalid_request
    ]]

    it("has complete rows and gives no name twice", function()
        local number_of = {}
        for number, row in pairs(transport) do
            local what = tostring(number)
            check_only(row, set_of "name kind sent hint hint_zh", what)
            check_name(row, what)
            check_kind_and_hints(row, what)
            assert.is_true(allowed[row.kind] or false, what .. ": kind " .. row.kind)
            assert.is_nil(number_of[row.name], row.name)
            number_of[row.name] = number
        end
        assert.equal(count(CURLE) + count(OUR_TRANSPORT), count(transport))
    end)

    it("names libcurl's numbers like libcurl, in full words", function()
        for number, name in pairs(CURLE) do
            name = name:lower():gsub("couldnt", "could_not"):gsub("timedout", "timed_out")
            assert.is_table(transport[number], tostring(number))
            assert.equal(name, transport[number].name, tostring(number))
        end
        assert.equal("could_not_connect", transport[7].name)
        assert.equal("operation_timed_out", transport[28].name)
    end)

    it("has our own numbers", function()
        for number, row in pairs(OUR_TRANSPORT) do
            assert.equal(row[1], transport[number].name)
            assert.equal(row[2], transport[number].kind)
        end
    end)

    it("knows the kinds that decide about repeating", function()
        local kinds = {
            network = { 5, 6, 7, 16, 18, 43, 52, 55, 56, 65, 92, 97 },
            tls = { 35, 58, 59, 60, 77, 82, 83, 90, 91, 98 },
            timeout = { 28 }, cancelled = { 42 }, out_of_memory = { 23, 27 },
            too_large = { 63, 100 }, bad_response = { 1, 8, 61 }, invalid_request = { 3 },
        }
        for kind, numbers in pairs(kinds) do
            for _, number in ipairs(numbers) do
                assert.equal(kind, transport[number].kind, tostring(number))
            end
        end
    end)

    it("says `sent = false` only where no byte can have left", function()
        for number, row in pairs(transport) do
            local expected = nil
            if NEVER_SENT[number] then expected = false end
            assert.equal(expected, row.sent, tostring(number))
        end
    end)

    it("never advises to turn the verification off", function()
        assert.is_truthy(transport[60].hint:find("ca_file", 1, true))
        assert.is_truthy(transport[60].hint_zh:find("ca_file", 1, true))
        for number, row in pairs(transport) do
            local hint = row.hint:lower()
            for _, word in ipairs { "verify", "verification", "insecure", "disable" } do
                assert.is_nil(hint:find(word, 1, true), tostring(number))
            end
            for _, word in ipairs { "关闭校验", "关闭验证", "跳过", "忽略证书" } do
                assert.is_nil(row.hint_zh:find(word, 1, true), tostring(number))
            end
        end
    end)
end)

describe("local_errors.lua", function()
    it("has complete rows of the right kind", function()
        local n = check_kinds(KIND_OF_LOCAL, function(name) return local_errors[name] end)
        assert.equal(n, count(local_errors))
        for name, row in pairs(local_errors) do
            assert.is_truthy(name:find "^[a-z][a-z0-9_]+$", name)
            check_only(row, set_of "kind hint hint_zh", name)
            check_kind_and_hints(row, name)
        end
    end)

    it("shows the way out of an nginx phase that cannot wait", function()
        for _, way in ipairs { "access_by_lua", "ngx.timer.at" } do
            assert.is_truthy(local_errors.cannot_wait.hint:find(way, 1, true))
            assert.is_truthy(local_errors.cannot_wait.hint_zh:find(way, 1, true))
        end
    end)
end)
