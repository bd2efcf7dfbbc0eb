--- The error object: the only place that makes one.

local codes = require "cloudcal.codes"
local redact = require "cloudcal.redact"

local errors = {}

-- The kinds that another attempt may cure, where a second one does no harm.
local TRANSIENT = { rate_limited = true, service_error = true, network = true, timeout = true }

local function one_line(text)
    return (text:gsub("%s+", " "))
end

local function subject(err)
    local words = {}
    words[#words + 1] = err.service
    words[#words + 1] = err.operation
    return table.concat(words, " ")
end

local function verdict(err)
    local words = { err.kind }
    if err.code ~= nil then words[#words + 1] = tostring(err.code) end
    words[#words + 1] = err.name
    return table.concat(words, " ")
end

local function english(err)
    local line = ("%s: %s: %s"):format(subject(err), verdict(err), err.message)
    if err.log_id then line = ("log id %s: %s"):format(err.log_id, line) end
    if err.hint then line = line .. " | " .. err.hint end
    return one_line(line)
end

local function chinese(err)
    local kind = codes.kind(err.kind)
    local line = ("%s：%s（%s）：%s"):format(
        subject(err), kind and kind.label_zh or tostring(err.kind), verdict(err), err.message)
    if err.log_id then line = ("日志 ID %s：%s"):format(err.log_id, line) end
    if err.hint_zh then line = line .. " | " .. err.hint_zh end
    return one_line(line)
end

local function metatable(to_text)
    return {
        __name = "cloudcal.error",
        __tostring = to_text,
        __concat = function(a, b) return tostring(a) .. tostring(b) end,
        __metatable = "cloudcal.error",
    }
end

local metatables = { en = metatable(english), zh = metatable(chinese) }

local function add_knowledge(err)
    local row = codes.named(err.name)
    if not row then return end
    err.kind = err.kind or row.kind
    err.hint = err.hint or row.hint
    err.hint_zh = err.hint_zh or row.hint_zh
end

--- Tells whether an error of this kind may pass by itself.
function errors.is_transient(kind)
    return TRANSIENT[kind] == true
end

--- Copies the fields of an error, so that another one can be made of them.
function errors.fields(err)
    local fields = {}
    for name, value in pairs(err) do fields[name] = value end
    return fields
end

--- Tells an error object from everything else.
function errors.is_error(value)
    return type(value) == "table" and getmetatable(value) == "cloudcal.error"
end

-- Text of others, which may repeat what it was sent. The rest is ours: a secret that is also a
-- word must not change what a program branches on.
local FOREIGN = {
    message = true, msg = true, code = true, field = true, log_id = true, body = true, raw = true,
    violations = true, helps = true, troubleshooter = true,
}

local function masked(fields, secrets)
    local err = {}
    for name, value in pairs(fields) do
        err[name] = FOREIGN[name] and redact.value(value, secrets) or value
    end
    return err
end

--- Makes an error object.
-- @param fields those of the contract; kind and hints of a named error are filled in
-- @param context { service_name, operation, repeatable, language, secrets }; secrets are
-- masked in all that came from outside
function errors.new(fields, context)
    local err = masked(fields, context.secrets)
    err.service, err.operation = context.service_name, context.operation
    add_knowledge(err)
    err.acted = err.acted or "no"
    err.stage = err.stage or "call"
    err.message = one_line(err.message)
    err.retryable = errors.is_transient(err.kind)
        and (err.acted == "no" or (err.acted == "maybe" and context.repeatable == true))
    return setmetatable(err, metatables[context.language or "en"])
end

--- Tells what is known of a code of Feishu and Lark, without asking anybody.
-- @param code a number such as 190004, or a string of digits
-- @return { code, name, kind, msg, http_status, hint, hint_zh }, or nil if no table has it
function errors.explain(code)
    local row = codes.find(code)
    if not row then return nil end
    return {
        code = tonumber(code), name = row.name, kind = row.kind, msg = row.msg,
        http_status = row.http, hint = row.hint, hint_zh = row.hint_zh,
    }
end

return errors
