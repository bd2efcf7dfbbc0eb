--- The endpoints, one pure table in each file: what everything else reads.
-- A field has name, type (string, integer, boolean, object, array) and, where they apply,
-- required, min, max (in characters), enum, default, example, about, secret (never shown),
-- filled (by us, never by the caller), empty_is_absent, fields (of an object or of the
-- objects in an array). `request` holds the sections of the mirror's table, so
-- that section .. "." .. name is the path that an error names.
-- An endpoint that is `internal` is called by the token layer: no wrapper, no mirror. `host` is
-- "accounts" where it is the one of the login pages.
--
-- endpoints.calendar_primary is that of the file with this name, which is read when it is first
-- asked for; `all` is an array of all, and `by_operation` has them by their operations.

local later = require "cloudcal.later"

local NAMES = {
    "generate_caldav_conf",
    "exchange_binding_create", "exchange_binding_get", "exchange_binding_delete",
    "calendar_primary",
    "putcalendar",
    "tenant_access_token_internal", "app_access_token", "tenant_access_token", "app_ticket_resend",
    "authorize", "oauth_token", "device_authorization",
}

local lists = {}

function lists.all(endpoints)
    local all = {}
    for i, name in ipairs(NAMES) do all[i] = endpoints[name] end
    return all
end

function lists.by_operation(endpoints)
    local by_operation = {}
    for _, endpoint in ipairs(endpoints.all) do by_operation[endpoint.operation] = endpoint end
    return by_operation
end

return setmetatable({}, {
    __index = function(self, name)
        local load = lists[name]
        local value = load and load(self) or later("cloudcal.endpoints." .. name)
        rawset(self, name, value)
        return value
    end,
})
