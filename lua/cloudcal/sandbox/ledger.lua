--- The tokens that Feishu and Lark have given out: whose they are, until when, and which of
-- them were revoked.
local ledger = {}

local KEEP = 1800 -- the same token comes back while this many seconds of it remain
local PREFIX = { tenant = "t-", app = "a-" }

--- The code that says "this is no good token", for each kind.
ledger.codes = { tenant = 99991663, app = 99991664, user = 99991668 }

--- Enter a token { kind, user, expires, seeded, tenant_key }. Returns the token. A seeded one
-- was not asked for by anybody: it belongs to the credentials of the place.
function ledger.add(place, token, entry)
    entry.tenant_key = entry.tenant_key or place.tenant_key
    place.tokens[token] = entry
    return token
end

--- The code that refuses a token of the ledger, or nil when it is good.
function ledger.refusal(entry, now)
    if entry.revoked then return ledger.codes[entry.kind] end
    if not entry.expires or now < entry.expires then return nil end
    return entry.kind == "user" and 99991677 or ledger.codes[entry.kind]
end

--- Count one more of what a place gives out.
function ledger.count(place, name) place.counts[name] = place.counts[name] + 1 end

local function make(call, kind, about)
    local token = PREFIX[kind] .. call.world:word(32)
    local entry = { kind = kind, expires = call.now + call.world.token_seconds }
    for name, value in pairs(about) do entry[name] = value end
    ledger.count(call.place, kind .. "_tokens")
    return ledger.add(call.place, token, entry), entry
end

--- The token of a kind ("tenant", "app") that a holder has now: the last one while enough of it
-- remains, else a new one with the fields of `about`. Returns it and the seconds that remain.
function ledger.current(call, kind, holder, about)
    local place = call.place
    local slot = kind .. "\n" .. holder
    local token = place.current[slot]
    local entry = token and place.tokens[token]
    if not entry or entry.revoked or entry.expires - call.now < KEEP then
        token, entry = make(call, kind, about)
        place.current[slot] = token
    end
    return token, math.floor(entry.expires - call.now)
end

local function revoke_entries(entries, kind, all)
    local count = 0
    for _, entry in pairs(entries) do
        local meant = (not kind or entry.kind == kind) and (all or not entry.seeded)
        if meant and not entry.revoked then
            entry.revoked, count = true, count + 1
        end
    end
    return count
end

--- Make a new ticket for the store app; the one before is stale from now on.
function ledger.new_ticket(world, place)
    place.app_ticket = world:word(64)
    ledger.count(place, "tickets")
    return 1
end

--- Revoke what is of a kind: user, tenant, app, refresh, ticket. Seeded tokens stay good unless
-- `all` is true. Returns how many there were, or nil for an unknown kind.
function ledger.revoke(world, place, kind, all)
    if kind == "ticket" then return ledger.new_ticket(world, place) end
    if kind == "refresh" then return revoke_entries(place.refresh_tokens, nil, all) end
    if not ledger.codes[kind] then return nil end
    return revoke_entries(place.tokens, kind, all)
end

return ledger
