--- What an endpoint answers whose work the sandbox does not do: the examples of its table.
local text = require "cloudcal.sandbox.text"

local examples = {}

local PLAIN = { string = "", integer = 0, boolean = false }

-- What was asked for comes back under its own name.
local function scalar(field, asked)
    if asked[field.name] ~= nil then return asked[field.name] end
    if field.example ~= nil then return field.example end
    return field.enum and field.enum[1] or PLAIN[field.type]
end

--- An object of these fields.
-- @param asked values of the request by name
function examples.object(fields, asked)
    local object = {}
    for _, field in ipairs(fields or {}) do
        if field.type == "object" then
            object[field.name] = examples.object(field.fields, asked)
        elseif field.type == "array" then
            object[field.name] = text.array { examples.object(field.fields, asked) }
        else
            object[field.name] = scalar(field, asked)
        end
    end
    return object
end

--- The `data` of an endpoint's answer to a call of Feishu or Lark.
function examples.data(call)
    local asked = {}
    for _, section in ipairs { "query", "body", "path" } do
        for name, value in pairs(call[section]) do asked[name] = value end
    end
    for _, field in ipairs(call.endpoint.response) do
        if field.name == "data" then return examples.object(field.fields, asked) end
    end
    return {}
end

return examples
