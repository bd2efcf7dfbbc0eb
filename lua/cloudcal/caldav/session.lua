--- One visit to a CalDAV server: requests with one deadline, one host, and one password that is
-- sent there only.

local account = require "cloudcal.caldav.account"
local clock = require "cloudcal.clock"
local core = require "cloudcal.core"
local errors = require "cloudcal.errors"
local log = require "cloudcal.log"
local multistatus = require "cloudcal.caldav.multistatus"
local options = require "cloudcal.options"
local profile = require "cloudcal.caldav.profile"
local redact = require "cloudcal.redact"
local request = require "cloudcal.request"
local response = require "cloudcal.response"
local retry = require "cloudcal.retry"
local url = require "cloudcal.caldav.url"
local wait = require "cloudcal.wait"

local session = {}
session.__index = session

local MOST_REDIRECTS = 5
local MAX_RAW = 4096
local MAX_RESPONSE = 2 * 1024 * 1024 -- a list of calendars has some KiB
local TOO_NEAR = 0.01 -- seconds before the deadline in which no attempt begins

-- {======================================================
-- Beginning and end
-- =======================================================}

-- The password, and the forms in which it or a server that repeats it may write it.
local function secrets_of(given_account, given)
    local password = given_account.password
    if type(password) ~= "string" then return {} end
    local credentials = ("%s:%s"):format(tostring(given_account.user_name), password)
    local secrets = { password, profile.escape(password), core.escape(password),
                      url.escape(password) }
    if #credentials < 65536 then redact.hide(secrets, request.basic(credentials)) end
    redact.hide_proxy(secrets, given.proxy)
    return secrets
end

--- Makes one. Nothing is sent.
-- @param given options.caldav_check, checked
-- @return the session; and what is wrong already, or nil
function session.new(given_account, given)
    local started = clock.now()
    local self = setmetatable({
        given = given, started = started,
        deadline = started + (given.timeout or options.defaults.timeout),
        meta = { attempts = 0, elapsed = 0, waited = 0 },
        -- what errors.new wants to know
        service_name = "caldav", operation = "check", repeatable = true,
        language = given.language, secrets = secrets_of(given_account, given),
    }, session)
    local found
    self.server, found = account.server(given_account, given)
    if self.server then self.basic, found = account.credentials(given_account) end
    found = wait.problem() or found
    if found then
        found.stage = found.stage or "check"
        return self, self:fail(found)
    end
    self.transport = request.transport(given)
    self.transport.max_response_bytes = given.max_response_bytes or MAX_RESPONSE
    return self
end

--- Makes an error of the fields of one.
function session:fail(fields)
    local err = errors.new(fields, self)
    for _, name in ipairs { "hint", "hint_zh" } do -- those of the transport are for API clients
        err[name] = err[name] and err[name]:gsub("base_url", "server_address") or nil
    end
    return err
end

--- Ends it.
-- @return meta
function session:finish()
    local meta = self.meta
    meta.elapsed = clock.now() - self.started
    if log.is_wanted(self.given, "debug") then
        log.write(self.given, "debug", "check ended", {
            operation = "caldav check", status = meta.status, attempts = meta.attempts,
            elapsed = meta.elapsed,
        })
    end
    return meta
end

-- {======================================================
-- One request
-- =======================================================}

local function note_answer(self, transfer, status, head)
    local meta = self.meta
    local dns, connect, tls, first_byte, total = transfer:timings()
    head = redact.text(head or "", self.secrets)
    meta.status = status ~= 0 and status or nil
    meta.headers = response.headers(head)
    meta.log_id, meta.request_id = response.log_id(head), response.header(head, "x-request-id")
    meta.timings = { dns = dns, connect = connect, tls = tls, first_byte = first_byte,
                     total = total }
end

local function exchange(self, address, depth, body, seconds)
    local transfer, number, text = wait.exchange {
        transport = self.transport, url = address, method = "PROPFIND", basic = self.basic,
        headers = { "Accept: application/xml, text/xml", "Depth: " .. depth },
        content_type = "application/xml; charset=utf-8", body = body, timeout = seconds,
    }
    if not transfer then return nil, response.transport_error(number, text, false) end
    local status, a, b, sent, failed_status, failed_head = transfer:take()
    note_answer(self, transfer, status or failed_status, status and a or failed_head)
    if status then return { status = status, head = a, body = b } end
    local fields = response.transport_error(a, b, sent, failed_head)
    fields.http_status = self.meta.status
    return nil, fields
end

local function name_by_status(status)
    if status == 401 then return "caldav_unauthorized" end
    if status == 403 then return "caldav_forbidden" end
    if status == 429 then return "http_too_many_requests" end
    if status >= 500 and status ~= 501 and status <= 599 then return "http_server_error" end
end

-- The fields of an error that an answer is.
local function fields_of(self, answer, name, message)
    local status = answer.status
    return {
        name = name, message = ("HTTP %d: %s"):format(status, message), http_status = status,
        acted = status >= 400 and status <= 499 and "no" or status == 207 and "yes" or "maybe",
        log_id = response.log_id(answer.head), retry_after = response.retry_after(answer.head),
        raw = redact.excerpt(answer.body, self.secrets, MAX_RAW),
    }
end

local function attempt(self, address, depth, body)
    local seconds = self.deadline - clock.now()
    if seconds <= 0 then
        return nil, self:fail { name = "deadline_exceeded", message = "the time was over" }
    end
    self.meta.attempts = self.meta.attempts + 1
    local answer, fields = exchange(self, address, depth, body, seconds)
    local refused = answer and name_by_status(answer.status)
    if refused then
        fields = fields_of(self, answer, refused, "the server refused " .. address)
    end
    if fields then return nil, self:fail(fields) end
    return answer
end

local function decide(self, err, count)
    local chosen = self.given.retry
    return retry.decide(err, {
        attempt = count, max_attempts = options.retry_policy(chosen, "max_attempts"),
        max_delay = options.retry_policy(chosen, "max_delay"),
        random = core.random(), budget = retry.BUDGET,
        remaining = self.deadline - clock.now() - TOO_NEAR,
    })
end

local function pause_for(self, seconds)
    local started = clock.now()
    if seconds > 0 then wait.sleep(seconds) end
    self.meta.waited = self.meta.waited + clock.now() - started
end

-- One request, sent again when that may help: it only reads.
local function send(self, address, depth, body)
    local count = 0
    while true do
        local answer, err = attempt(self, address, depth, body)
        if answer then return answer end
        count = count + 1
        local pause, reason = decide(self, err, count)
        log.write(self.given, pause and "warn" or "info", tostring(err), {
            operation = "caldav check", attempt = self.meta.attempts, again_in = pause,
            reason = reason,
        })
        if not pause then
            err.gave_up = reason
            return nil, err
        end
        pause_for(self, pause)
    end
end

-- {======================================================
-- PROPFIND
-- =======================================================}

local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local LONGEST_SHOWN = 200

local function foreign_message(self, reference)
    if #reference > LONGEST_SHOWN then reference = "another server" end
    return ("the server points to %s, which is not on %s"):format(
        redact.text(reference, self.secrets), url.origin(self.server))
end

--- The URL that the server means by a reference in an answer from `address`.
-- @return it; or nil and an error, if it is not this server's
function session:resolve(address, reference)
    local target = url.resolve(url.parse(address), reference)
    if target then return target end
    return nil, self:fail { name = "foreign_address", acted = "yes",
                            message = foreign_message(self, reference) }
end

local function follow(self, address, answer)
    local reference = response.header(answer.head, "location")
    if not reference then
        return nil, self:fail(fields_of(self, answer, "not_multistatus",
            "a redirect that does not say where to"))
    end
    local target = url.resolve(url.parse(address), reference)
    if target then return target end
    return nil, self:fail(fields_of(self, answer, "foreign_address",
        foreign_message(self, reference)))
end

local MISSING = { [404] = true, [405] = true, [410] = true, [501] = true }

local function read(self, address, answer, missing)
    if answer.status ~= 207 then
        local name = MISSING[answer.status] and missing or "not_multistatus"
        return nil, self:fail(fields_of(self, answer, name, "no answer to PROPFIND " .. address))
    end
    local responses, name, message = multistatus.read(answer.body)
    if responses then return responses end
    return nil, self:fail(fields_of(self, answer, name, message))
end

--- Asks for properties; follows redirects on the same server.
-- @param depth 0: of the address itself; 1: of what is in it, too
-- @param missing the name of the error, if there is nothing there
-- @return the answer as multistatus.read gives it, and the URL that gave it; or nil and an error
function session:propfind(address, depth, body, missing)
    local redirects = 0
    while true do
        local answer, err = send(self, address, depth, body)
        if not answer then return nil, err end
        if not REDIRECTS[answer.status] then
            local responses
            responses, err = read(self, address, answer, missing)
            return responses, responses and address or err
        end
        redirects = redirects + 1
        if redirects > MOST_REDIRECTS then
            return nil, self:fail(fields_of(self, answer, "too_many_redirects",
                ("more than %d redirects"):format(MOST_REDIRECTS)))
        end
        address, err = follow(self, address, answer)
        if not address then return nil, err end
    end
end

return session
