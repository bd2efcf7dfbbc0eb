-- Logs a user in from a terminal and prints their primary calendar. The login is kept in a file:
-- the next run asks nobody, and what runs out in between is renewed.
--   lua5.4 examples/login.lua [FILE]
-- FILE is ${XDG_STATE_HOME:-~/.local/state}/cloudcal/tokens.json unless it is given; a directory
-- that is missing is made for you alone. FEISHU_APP_ID and FEISHU_APP_SECRET in the environment
-- are those of your app, CLOUDCAL_BASE_URL and CLOUDCAL_CA_FILE those of another server. Without
-- FEISHU_APP_ID the services are a sandbox that ends with this program, whose user says yes after
-- three seconds; then there is no file unless it is given.
-- Ends with 0; 1: it did not work, and stderr says why; 2: wrong use; 130: Ctrl-C.

local cloudcal = require "cloudcal"

local FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130

local app_id = os.getenv "FEISHU_APP_ID"

local function say(...)
    io.stderr:write(string.format(...), "\n")
end

-- {======================================================
-- Where the login is kept
-- =======================================================}

local function default_file()
    local state = os.getenv "XDG_STATE_HOME" or ""
    if state == "" then state = assert(os.getenv "HOME", "HOME is not set") .. "/.local/state" end
    return state .. "/cloudcal/tokens.json"
end

-- Before the user is asked: a login that cannot be kept would be lost.
local function make_directory(file)
    local directory = file:match "^(.+)/[^/]*$"
    if not directory then return end
    local quoted = "'" .. directory:gsub("'", "'\\''") .. "'"
    local made = os.execute("umask 077; mkdir -p -- " .. quoted)
    assert(made == true or made == 0, "there is no directory for " .. file)
end

local function store()
    local file = arg[1] or app_id and default_file()
    if not file then return nil end -- then the client takes the memory
    make_directory(file)
    return cloudcal.stores.file(file)
end

-- {======================================================
-- The client
-- =======================================================}

local function client_of_sandbox()
    local sandbox = assert(require("cloudcal.sandbox").start { device_approval = 3 })
    return cloudcal.feishu {
        app_id = sandbox.feishu.app_id, app_secret = sandbox.feishu.app_secret,
        base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file, store = store(),
    }
end

local function client()
    if not app_id then return client_of_sandbox() end
    return cloudcal.feishu { -- or cloudcal.lark
        app_id = app_id, app_secret = assert(os.getenv "FEISHU_APP_SECRET", "no FEISHU_APP_SECRET"),
        store = store(),
        base_url = os.getenv "CLOUDCAL_BASE_URL", ca_file = os.getenv "CLOUDCAL_CA_FILE",
    }
end

-- =======================================================}

local function prompt(shown)
    say("Open %s on any device, and type the code %s", shown.verification_uri, shown.user_code)
    if shown.verification_uri_complete then say("or open %s", shown.verification_uri_complete) end
    say("Waiting for %d minutes at most ...", math.ceil(shown.expires_in / 60))
end

local function calendar_of_user(feishu)
    local primary, err = feishu:primary_calendar { identity = "user" }
    if primary or err.kind ~= "login_required" then return primary, err end
    local login
    login, err = feishu:login { scope = "calendar:calendar:readonly", on_prompt = prompt }
    if not login then return nil, err end
    return feishu:primary_calendar { identity = "user" }
end

local function main()
    local primary, err = calendar_of_user(client())
    if not primary then error(tostring(err), 0) end
    print(primary.calendar.summary, primary.calendar.calendar_id)
end

if #arg > 1 or (arg[1] or ""):find "^%-" then
    say "use: lua5.4 examples/login.lua [FILE]"
    os.exit(WRONG_USE, true)
end

local ok, problem = pcall(main)
if not ok then
    local is_interrupted = tostring(problem):find("interrupted!", 1, true)
    say("%s", is_interrupted and "interrupted" or tostring(problem))
    os.exit(is_interrupted and INTERRUPTED or FAILED, true)
end
