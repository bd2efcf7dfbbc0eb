--- The endpoints, one pure table in each file: what everything else reads.
-- A field has name, type (string, integer, boolean, object, array) and, where they apply,
-- required, min, max (in characters), enum, default, example, about, secret (never shown),
-- filled (by us, never by the caller), empty_is_absent, fields (of an object or of the
-- objects in an array). `request` holds the sections of the mirror's table, so
-- that section .. "." .. name is the path that an error names.
-- An endpoint that is `internal` is called by the token layer: no wrapper, no mirror. `host` is
-- "accounts" where it is the one of the login pages.

local names = {
    "generate_caldav_conf",
    "exchange_binding_create", "exchange_binding_get", "exchange_binding_delete",
    "calendar_primary",
    "putcalendar",
    "tenant_access_token_internal", "app_access_token", "tenant_access_token", "app_ticket_resend",
    "authorize", "oauth_token", "device_authorization",
}

local endpoints = { all = {}, by_operation = {} }

for i, name in ipairs(names) do
    local endpoint = require("cloudcal.endpoints." .. name)
    endpoints.all[i] = endpoint
    endpoints.by_operation[endpoint.operation] = endpoint
end

return endpoints
