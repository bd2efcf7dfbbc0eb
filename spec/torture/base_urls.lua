--- Addresses of a server that say something else than they seem to: each is taken or refused, and
-- of what is taken libcurl reads the host and the port that stand there.

local base_urls = require "spec.base_urls"
local cloudcal = require "cloudcal"
local host = require "torture.host"
local wire = require "spec.wire"

local PORTS = { https = "443", http = "80" }

local tried, wrong = 0, 0

local function complain(url, text)
    wrong = wrong + 1
    print(("%q: %s"):format(url:sub(1, 80), text))
end

local function client_of(url, option, is_plain)
    return pcall(cloudcal.feishu, { [option] = url, allow_plain_http = is_plain,
        user_access_token = "u-1", rate_limit = false, retry = false })
end

-- What the core would be given.
local function sent_url(client)
    local seen = wire.play({ { status = 200, body = '{"code":0}' } }, function()
        return client:request { method = "GET", path = "/open-apis/x" }
    end)
    return seen.sent[1].url
end

local function takes(url, is_plain)
    tried = tried + 1
    local fine, client = client_of(url, "base_url", is_plain)
    if not fine then return complain(url, "refused: " .. client) end
    local scheme, authority, path = url:match "^(%a+)://([^/]*)(.-)/?$"
    local name, port = authority:match "^(.-):(%d+)$"
    scheme = scheme:lower()
    local got = { host.url_parts(sent_url(client)) }
    for i, wanted in ipairs { scheme, name or authority, port or PORTS[scheme], false,
                              path .. "/open-apis/x" } do
        if (got[i] or false) ~= wanted then
            complain(url, ("libcurl reads %s, not %s"):format(tostring(got[i]), tostring(wanted)))
        end
    end
end

local function refuses(url, is_plain)
    for _, option in ipairs { "base_url", "accounts_url" } do
        tried = tried + 1
        local fine, problem = client_of(url, option, is_plain)
        if fine then complain(url, "taken as " .. option)
        elseif not problem:find(option, 1, true) then complain(url, "the option is not named") end
    end
end

for _, url in ipairs(base_urls.right) do takes(url) end
for _, url in ipairs(base_urls.wrong) do
    refuses(url)
    -- what is no address stays none where http is allowed, but for the two of this machine
    if not url:lower():find "^http://[l1]" then refuses(url, true) end
end
for _, name in ipairs(base_urls.loopback) do
    takes("http://" .. name, true)
    takes("https://" .. name, true)
    refuses("http://" .. name, false)
end
for _, name in ipairs(base_urls.far) do refuses("http://" .. name, true) end

print(("%d verdicts|%d"):format(tried, wrong))
if wrong > 0 then error "something went wrong" end
