--- The services as a pure machine: a request and a time go in, an answer comes out.
-- No clock, no I/O; chance comes from an injected generator.
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

--- A new world. Options, none required: rate = { per_second, per_minute } or false,
-- sync_seconds (until a binding is done), token_seconds, random(n) -> n random bytes,
-- feishu, lark, youkong = tables of credentials to use instead of random ones.
function world.new(options)
    options = options or {}
    local rate = options.rate
    if rate == nil then rate = { per_second = 50, per_minute = 1000 } end
    local self = setmetatable({
        random = options.random or pseudo_random,
        limits = limits.new(rate),
        sync_seconds = options.sync_seconds or 3,
        token_seconds = options.token_seconds or 7200,
    }, methods)
    self.places = {
        feishu = platform.new(self, "feishu", options.feishu or {}),
        lark = platform.new(self, "lark", options.lark or {}),
        youkong = youkong.new(self, options.youkong or {}),
    }
    return self
end

return world
