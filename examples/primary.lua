-- Prints the primary calendars of a user and of the app, who are two identities at one service.
--   lua5.4 examples/primary.lua
-- The user is whose FEISHU_USER_ACCESS_TOKEN stands in the environment, the app that of
-- FEISHU_APP_ID and FEISHU_APP_SECRET; one of them is enough. CLOUDCAL_BASE_URL and
-- CLOUDCAL_CA_FILE are those of another server. Without any of the first two the service is a
-- sandbox on this machine.
-- Ends with 0; 1: one of the calendars was not read, and stderr says why.

local cloudcal = require "cloudcal"

local function given()
    local known = {
        user_access_token = os.getenv "FEISHU_USER_ACCESS_TOKEN",
        app_id = os.getenv "FEISHU_APP_ID", app_secret = os.getenv "FEISHU_APP_SECRET",
        base_url = os.getenv "CLOUDCAL_BASE_URL", ca_file = os.getenv "CLOUDCAL_CA_FILE",
    }
    if known.user_access_token or known.app_id then return known end
    local sandbox = assert(require("cloudcal.sandbox").start())
    return {
        user_access_token = sandbox.feishu.user_access_token,
        app_id = sandbox.feishu.app_id, app_secret = sandbox.feishu.app_secret,
        base_url = sandbox.feishu.base_url, ca_file = sandbox.ca_file,
    }
end

local known = given()
local feishu = cloudcal.feishu(known) -- or cloudcal.lark

-- A client that knows both has to be told in each call who makes it.
local function show(title, identity)
    local primary, err = feishu:primary_calendar { identity = identity, user_id_type = "open_id" }
    if primary then
        local calendar = primary.calendar
        print(("%-5s %s  %s  %s"):format(title, calendar.calendar_id, calendar.summary or "",
            primary.user_id or ""))
        return true
    end
    if err.name == "no_primary_calendar" then -- nothing went wrong: there is none
        print(("%-5s has no primary calendar"):format(title))
        return true
    end
    io.stderr:write(title, ": ", tostring(err), "\n")
    return false
end

local fine = true
if known.user_access_token then fine = show("user", "user") end
if known.app_id then fine = show("app", "tenant") and fine end
os.exit(fine and 0 or 1, true)
