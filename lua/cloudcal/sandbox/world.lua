--- The services as a pure machine: a request and a time go in, an answer comes out.
-- No clock, no I/O; chance comes from an injected generator.
local ledger = require "cloudcal.sandbox.ledger"
local limits = require "cloudcal.sandbox.limits"
local platform = require "cloudcal.sandbox.platform"
local text = require "cloudcal.sandbox.text"
local youkong = require "cloudcal.sandbox.youkong"

local world = {}

local methods = {}
methods.__index = methods

local doors = { feishu = platform, lark = platform, youkong = youkong }

local function pseudo_random(count)
    local out = {}
    for i = 1, count do out[i] = string.char(math.random(0, 255)) end
    return table.concat(out)
end

--- Random letters and digits.
function methods:word(count) return text.word(self.random(count)) end

--- Random hexadecimal digits, in lower case.
function methods:hex(count) return text.hex(self.random(math.ceil(count / 2))):sub(1, count) end

--- Answer one request { service, method, path, query, headers, body } at the time `now`
-- (seconds since 1970): { status, headers = { { name, value }, … }, body }.
-- The path is still percent-encoded, header names are in lower case.
function methods:answer(request, now)
    local call = self:call(request, now)
    return doors[request.service].answer(call)
end

--- The answer that refuses a request with a code, in the shape that its service and
-- endpoint use. The world stays as it is. msg, http and headers are optional.
function methods:refuse(request, now, refusal)
    local call = self:call(request, now)
    return doors[request.service].refuse(call, refusal)
end

--- What answering a request needs: its place, endpoint and log id.
function methods:call(request, now)
    local call = {
        world = self, request = request, now = now, service = request.service,
        place = self.places[request.service],
    }
    doors[request.service].prepare(call)
    return call
end

--- Tell the world of a request that has come and may never be answered by it.
function methods:notice(request)
    local notice = doors[request.service].notice
    if notice then notice(self.places[request.service], request) end
end

--- Revoke what a service gave out of a kind (user, tenant, app, refresh, ticket): how many there
-- were. The tokens of the credentials stay good, unless `all` is true. Nil for an unknown kind.
function methods:revoke(service, kind, all)
    local place = self.places[service]
    return place.tokens and ledger.revoke(self, place, kind, all)
end

--- The ticket of the store app that is good now; nil for a service that has none.
function methods:ticket(service) return self.places[service].app_ticket end

--- The calendars of a service's users; nil for a service whose users have one that is not kept.
function methods:calendars(service)
    local calendars = doors[service].calendars
    return calendars and calendars(self.places[service])
end

--- What clients of each service need to know.
function methods:credentials()
    local all = {}
    for service, place in pairs(self.places) do all[service] = place.credentials end
    return all
end

local function add(into, counts)
    for name, value in pairs(counts) do into[name] = (into[name] or 0) + value end
end

--- Counts of what was made: accounts, bindings, calendars, users and more; of one service,
-- or of all of them.
function methods:state(service)
    local counts = {}
    for name, place in pairs(self.places) do
        if not service or service == name then add(counts, doors[name].counts(place)) end
    end
    return counts
end

local defaults = {
    sync_seconds = 3, token_seconds = 7200, refresh_seconds = 604800, device_seconds = 240,
    device_interval = 1, device_approval = 0, caldav_server = "caldav.sandbox.invalid",
    random = pseudo_random,
    rate = { per_second = 50, per_minute = 1000 },
}

local function chosen(options, name)
    if options[name] == nil then return defaults[name] end
    return options[name]
end

--- A new world. Options, none required: rate = { per_second, per_minute } or false,
-- sync_seconds (until a binding is done), token_seconds, refresh_seconds, device_seconds (lives
-- of tokens, refresh tokens, device codes), device_interval, device_approval (seconds or "never"),
-- token_error_status (instead of the usual HTTP status), caldav_server, caldav_user_name,
-- caldav_password (of the accounts, instead of random ones), random(n) -> n random bytes,
-- feishu, lark, youkong = tables of credentials to use instead of random ones.
function world.new(options)
    options = options or {}
    local self = setmetatable({
        limits = limits.new(chosen(options, "rate")),
        token_error_status = options.token_error_status,
        caldav_user_name = options.caldav_user_name,
        caldav_password = options.caldav_password,
    }, methods)
    for name in pairs(defaults) do
        if name ~= "rate" then self[name] = chosen(options, name) end
    end
    self.places = {
        feishu = platform.new(self, "feishu", options.feishu or {}),
        lark = platform.new(self, "lark", options.lark or {}),
        youkong = youkong.new(self, options.youkong or {}),
    }
    return self
end

return world
