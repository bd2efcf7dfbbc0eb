--- The login of a web site's users: /login sends the browser to the service, /callback takes the
-- code that it comes back with, /calendar shows whose login that was, and /profile hands that user
-- a CalDAV account for an iPhone, iPad or Mac.
--
-- A browser is known by a random id in its cookie. Before the login the id leads to what
-- /callback has to find again, for one use; after it, a new one is the name of the login.

local cloudcal = require "cloudcal.all"

local login = {}

local PUBLIC_URL = os.getenv "PUBLIC_URL" or "http://127.0.0.1:8080" -- never what a client says
local REDIRECT_URI = PUBLIC_URL .. "/callback" -- as it is registered in the app's console
local SCOPE = "calendar:calendar:readonly calendar:settings.caldav:create"
local PENDING_SECONDS = 600 -- that a user may take for the page of the service

local store = cloudcal.stores.nginx(ngx.shared.cloudcal)
local counts = cloudcal.stores.nginx(ngx.shared.counts) -- which take no room from logins

local feishu = cloudcal.feishu { -- or cloudcal.lark
    base_url = os.getenv "CLOUDCAL_BASE_URL", ca_file = os.getenv "CLOUDCAL_CA_FILE",
    app_id = os.getenv "FEISHU_APP_ID", app_secret = os.getenv "FEISHU_APP_SECRET",
    store = store, rate_limit = counts, logger = cloudcal.log.nginx,
}

-- {======================================================
-- Pages
-- =======================================================}

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

-- @param more HTML of ours
local function page(status, text, more)
    ngx.status = status
    ngx.header["Cache-Control"] = "no-store"
    ngx.header["Referrer-Policy"] = "no-referrer" -- the address may hold a code
    ngx.say("<!doctype html><meta charset=utf-8><title>Calendar</title><p>",
        (text:gsub('[&<>"]', ENTITIES)), "</p>", more or "<p><a href=/login>Log in</a></p>")
end

local FORM = "<form method=post action=/profile>"
    .. "<label>Device <input name=device value=iPhone required maxlength=100></label> "
    .. "<button>Set up this device</button></form>"

local STATUS = { login_required = 401, invalid_request = 400, rate_limited = 503, timeout = 504 }

local function show_error(err)
    page(STATUS[err.kind] or 502, tostring(err))
end

-- {======================================================
-- The browser's id
-- =======================================================}

local function new_id()
    local source = assert(io.open("/dev/urandom", "rb"))
    local bytes = source:read(32)
    source:close()
    return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

-- No script reads it, and no other site's form or picture sends it.
local function give_id(id)
    ngx.header["Set-Cookie"] = "session=" .. id .. "; Path=/; HttpOnly; SameSite=Lax"
        .. (PUBLIC_URL:find "^https:" and "; Secure" or "")
end

local function id_of_browser()
    local id = ngx.var.cookie_session
    return id and #id == 64 and id:find "^%x+$" and id or nil
end

-- {======================================================
-- What /callback has to find again: a list of state and code_verifier under the id. Taking an
-- element out of a list is one step, whichever worker does it.
-- =======================================================}

local function keep_pending(id, meta)
    local pending = ngx.shared.pending
    local kept, problem = pending:rpush(id, meta.state .. " " .. meta.code_verifier)
    if kept then kept, problem = pending:expire(id, PENDING_SECONDS) end
    return kept, problem
end

-- @return state, code_verifier; or nil
local function take_pending(id)
    local text = id and ngx.shared.pending:lpop(id)
    if text then return text:match "^(%S+) (%S+)$" end
end

-- =======================================================}

--- GET /login
function login.begin()
    local address, err, meta = feishu:authorization_url {
        redirect_uri = REDIRECT_URI, scope = SCOPE,
    }
    if not address then return show_error(err) end
    local id = new_id()
    local kept, problem = keep_pending(id, meta)
    if not kept then return page(503, "Too many logins at once: " .. problem) end
    give_id(id)
    ngx.redirect(address)
end

local function one(value)
    return type(value) == "string" and value ~= "" and value or nil
end

--- GET /callback, with code and state, or error and state
function login.finish()
    local query = ngx.req.get_uri_args()
    local state, code_verifier = take_pending(id_of_browser())
    if not state or one(query.state) ~= state then
        return page(403, "This is not the answer to a login of this browser.")
    end
    if query.error == "access_denied" then return page(403, "You did not allow it.") end
    local code = one(query.code)
    if not code then return page(400, "There is no code.") end
    local id = new_id() -- whoever knew the old one has nothing
    local _, err = feishu:exchange_code {
        code = code, redirect_uri = REDIRECT_URI, code_verifier = code_verifier, user = id,
    }
    if err then return show_error(err) end
    give_id(id)
    ngx.redirect "/calendar"
end

--- GET /calendar
function login.calendar()
    local id = id_of_browser()
    if not id then return page(401, "Nobody is logged in.") end
    local primary, err = feishu:primary_calendar { user = id }
    if not primary then return show_error(err) end
    page(200, primary.calendar.summary or primary.calendar.calendar_id, FORM)
end

--- POST /profile, with device. The answer holds a password, and each one makes an account: so no
-- GET, which a link, a preview or a reload could make.
function login.profile()
    if ngx.req.get_method() ~= "POST" then
        ngx.header["Allow"] = "POST"
        return page(405, "Press the button.")
    end
    local id = id_of_browser() -- SameSite keeps the forms of other sites out
    if not id then return page(401, "Nobody is logged in.") end
    ngx.req.read_body()
    local device = one(ngx.req.get_post_args().device)
    local account, err = feishu:generate_caldav_conf({ device_name = device }, { user = id })
    if not account then return show_error(err) end
    local text
    text, err = cloudcal.caldav.profile(account, { name = "Calendar" })
    if not text then return show_error(err) end
    ngx.header["Content-Type"] = "application/x-apple-aspen-config"
    ngx.header["Content-Disposition"] = 'attachment; filename="calendar.mobileconfig"'
    ngx.header["Cache-Control"] = "no-store"
    ngx.header["X-Content-Type-Options"] = "nosniff"
    ngx.header["Content-Length"] = #text
    ngx.print(text)
end

return login
