--- What each thread does: threads.lua PLAIN-PORT TLS-PORT CA-FILE

local core = require "cloudcal.core"

local plain, tls, ca_file = ...

local CALLS, STEPS = 200, 500

local function options(number)
    local secure = number % 4 == 0
    return {
        url = secure and "https://127.0.0.1:" .. tls or "http://127.0.0.1:" .. plain,
        method = "POST", body = core.md5("a" .. number), content_type = "text/plain",
        user_agent = "torture", timeout = 120, connect_timeout = 120, max_response_bytes = 1e6,
        max_connections = 8, plain_http = not secure, ca_file = ca_file,
    }
end

local function finish(transfer)
    for _ = 1, STEPS do
        if transfer:done() then return transfer:take() end
        core.engine():step(1)
    end
end

for number = 1, CALLS do
    local url = options(number).url
    assert(core.is_url(url) and core.utf8_length(url) and #core.sha256(url) == 64)
    local status, code, text = finish(assert(core.engine():submit(options(number))))
    assert(status == 200, ("%s %s"):format(tostring(code), tostring(text)))
    if number % 50 == 0 then core.engine():close() end
end

return CALLS
