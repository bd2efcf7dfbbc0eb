--- The user whose browser opens the login page of the sandbox, and agrees.

local cloudcal = require "cloudcal"
local support = require "spec.support"

local browser = {}

browser.redirect_uri = "https://app.example/callback?a=1"

local function unescape(text)
    return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

--- The fields of a URL's query.
function browser.query_of(url)
    local fields = {}
    for name, value in url:match("%?(.*)$"):gmatch("([^&=]+)=([^&]*)") do
        fields[name] = unescape(value)
    end
    return fields
end

--- Opens the page of an address.
-- @return what the browser is sent back with
function browser.visit(url, changes)
    local options = support.exchange_options("feishu", "", { url = url })
    for name, value in pairs(changes or {}) do options[name] = value end
    local status, head = support.exchange(options)
    assert(status == 302, "the login page does not send the browser back")
    return browser.query_of(assert(head:match("\n[Ll]ocation: *([^\r\n]+)")))
end

--- Begins a login.
-- @param given as for client:authorization_url
-- @return the authorization code, and meta of authorization_url
function browser.begin(client, given)
    given = given or {}
    given.redirect_uri = given.redirect_uri or browser.redirect_uri
    local url, err, meta = client:authorization_url(given)
    assert(not err, tostring(err))
    return browser.visit(url).code, meta
end

--- Logs a user in.
-- @return the description of the login
function browser.log_in(client, user, scope)
    local code, meta = browser.begin(client, { scope = scope })
    return cloudcal.assert(client:exchange_code {
        code = code, redirect_uri = browser.redirect_uri, code_verifier = meta.code_verifier,
        user = user,
    })
end

return browser
