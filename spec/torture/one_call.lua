--- One call of a client that trusts one CA, wherever it waits.

local cloudcal = require "cloudcal"
local files = require "spec.files"

-- @return ok; kind, acted and message where it failed
return function(base_url, ca_file)
    local client = cloudcal.feishu {
        base_url = base_url, ca_pem = files.read(ca_file), user_access_token = "u-1",
        retry = false, timeout = 60, rate_limit = false,
    }
    local answer, err = client:primary_calendar()
    if answer then return { ok = true } end
    return { ok = false, kind = err.kind, acted = err.acted, message = tostring(err) }
end
