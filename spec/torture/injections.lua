--- What would be a second header, another path or another request, in every field that reaches a
-- header, the path or the query: it is refused and nothing is sent, or it arrives as one value.
-- The server writes down each request as it came.

local cloudcal = require "cloudcal"
local pipeline = require "spec.pipeline"

-- {======================================================
-- What is put in
-- =======================================================}

local PAYLOADS = {
    "a\r\nX-Injected: 1", "a\nX-Injected: 1", "a\rX-Injected: 1", "a\r\n b", "a\n\tb", "\r\n",
    "a\r\n\r\nGET /injected HTTP/1.1\r\nHost: x\r\n\r\n", "a%0d%0aX: 1", "a/../b", "a?b=c", "a#b",
    "a&b=c", "a;b", "a\\b", "有\r\nX: 1", "a\194\133b", "a: b",
}
for byte = 0, 33 do
    local char = string.char(byte <= 32 and byte or 127)
    for _, text in ipairs { char, char .. "b", "a" .. char .. "b", "a" .. char } do
        PAYLOADS[#PAYLOADS + 1] = text
    end
end

local function decoded(text)
    return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function target_of(head) return head:match "^%u+ (%S+) HTTP/1%.1\r\n" end

-- the spaces around a value are not a part of it
local function trimmed(text) return text:match "^[ \t]*(.-)[ \t]*$" end

local function header_of(head, name)
    local value = head:match("\r\n" .. name .. ":([^\r\n]*)\r\n")
    return value and trimmed(value)
end

-- name, a call that puts a text there, and the value that has to arrive where it is sent
local FIELDS = {
    { "a header's value", function(make, text)
        return make {}:primary_calendar { headers = { ["X-A"] = text } }
    end, function(head, text) return (header_of(head, "X%-A") or "") == trimmed(text) end },
    { "a header's name", function(make, text)
        return make {}:primary_calendar { headers = { [text] = "v" } }
    end, function(head) return header_of(head, "a#b") == "v" end }, -- RFC 9110 has such names
    { "a token", function(make, text) return make {}:primary_calendar { token = "u-" .. text } end,
      function(head, text) return header_of(head, "Authorization") == "Bearer u-" .. text end },
    { "a token of the client", function(make, text)
        return make { user_access_token = text }:primary_calendar()
    end, function(head, text) return header_of(head, "Authorization") == "Bearer " .. text end },
    { "a token of a function", function(make, text)
        return make { user_access_token = function() return text end }:primary_calendar()
    end, function(head, text) return header_of(head, "Authorization") == "Bearer " .. text end },
    { "a tenant's token", function(make, text)
        return make { user_access_token = false, tenant_access_token = text }:primary_calendar()
    end, function(head, text) return header_of(head, "Authorization") == "Bearer " .. text end },
    { "the user agent", function(make, text)
        return make { user_agent = text }:primary_calendar()
    end, function(head, text)
        return (header_of(head, "User%-Agent") or ""):find(trimmed(text), 1, true) == 1
    end },
    { "an id in the path", function(make, text) return make {}:get_exchange_binding(text) end,
      function(head, text)
        local last = target_of(head):match "/exchange_bindings/([^/?#]*)$"
        return last and decoded(last) == text
    end },
    { "the path", function(make, text)
        return make {}:request { method = "GET", path = "/open-apis/x" .. text }
    end, function(head, text) return target_of(head) == "/open-apis/x" .. text end },
    { "the method", function(make, text)
        return make {}:request { method = "GET" .. text, path = "/open-apis/x" }
    end },
    { "a value of the query", function(make, text)
        return make {}:request { method = "GET", path = "/open-apis/x", query = { q = text } }
    end, function(head, text)
        local value = target_of(head):match "%?q=([^&#]*)$"
        return value and decoded(value) == text
    end },
    { "a name of the query", function(make, text)
        return make {}:request { method = "GET", path = "/open-apis/x", query = { [text] = "v" } }
    end, function(head, text)
        local name = target_of(head):match "%?([^&#=]*)=v$"
        return name and decoded(name) == text
    end },
    { "an enum of the query", function(make, text)
        return make {}:primary_calendar { user_id_type = "open_id" .. text }
    end },
    { "the path of base_url", function(make, text)
        return make({}, "/p" .. text):primary_calendar()
    end, function(head, text) return target_of(head):find("/p" .. text .. "/", 1, true) == 1 end },
    { "an app's id", function(make, text)
        return make { user_access_token = false, app_id = "cli_" .. text, app_secret = "s3cret" }
            :login { on_prompt = print }
    end, function(head) return header_of(head, "Authorization"):find "^Basic [%w+/=]+$" end },
    { "a proxy's password", function(make, text, port)
        return make { proxy = ("http://u:%s@127.0.0.1:%s"):format(text, port) }:primary_calendar()
    end, function(head)
        return (header_of(head, "Proxy%-Authorization") or "Basic x"):find "^Basic [%w+/=]+$"
    end },
}

-- {======================================================
-- What has come
-- =======================================================}

local KNOWN = {}
for name in ([[host user-agent accept authorization content-type content-length x-a
    proxy-authorization proxy-connection a#b]]):gmatch "%S+" do KNOWN[name] = true end

local function check_head(head)
    local first, lines = head:match "^([^\r\n]*)\r\n(.*)\r\n$"
    assert(first and first:find "^%u+ [!-~]+ HTTP/1%.1$", "the request line")
    local seen = {}
    for line in lines:gmatch "(.-)\r\n" do
        local name, value = line:match "^([%w#-]+):(.*)$"
        assert(name and KNOWN[name:lower()] and not seen[name:lower()], "a header: " .. line)
        assert(not value:find "%c", "a control character in " .. name)
        seen[name:lower()] = true
    end
end

local tried, refused, wrong, sent = 0, 0, 0, {}

local function complain(field, text, problem)
    wrong = wrong + 1
    if wrong <= 20 then print(("%s, %q: %s"):format(field[1], text, tostring(problem))) end
end

local function try(field, make, text, port)
    tried = tried + 1
    local fine, result, err, meta = pcall(field[2], make, text, port)
    local attempts = fine and (result or err.stage ~= "check") and meta.attempts or 0
    if attempts > 0 then sent[#sent + 1] = { field, text }
    else
        refused = refused + 1
        local is_said = not fine and type(result) == "string"
            or fine and err.kind == "invalid_request"
        if not is_said then complain(field, text, err or result) end
    end
end

local ANSWER = pipeline.answer '{"code":0,"data":{"calendars":[{"calendar":{},"user_id":"u"}]}}'

pipeline.with_scripted("feishu", { ANSWER }, {}, function(_, server)
    local function make(options, path)
        options.base_url, options.allow_plain_http = server.base_url .. (path or ""), true
        options.retry, options.rate_limit, options.store, options.timeout = false, false, false, 5
        if options.user_access_token == nil then options.user_access_token = "u-1" end
        if options.user_access_token == false then options.user_access_token = nil end
        return cloudcal.feishu(options)
    end
    for _, field in ipairs(FIELDS) do
        for _, text in ipairs(PAYLOADS) do
            try(field, make, text, server.base_url:match "%d+$")
        end
    end
    local requests = server.requests()
    if #requests ~= #sent then
        complain({ "all" }, "", ("%d requests came, %d were sent"):format(#requests, #sent))
    end
    for i, request in ipairs(requests) do
        local field, text = sent[i][1], sent[i][2]
        local fine, problem = pcall(check_head, request.head)
        if not fine then complain(field, text, problem)
        elseif not field[3] then complain(field, text, "it should be refused")
        elseif not field[3](request.head, text) then complain(field, text, request.head) end
    end
end)

print(("%d injections, %d refused, %d as one value|%d"):format(tried, refused, #sent, wrong))
if wrong > 0 then error "something went wrong" end
