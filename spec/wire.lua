--- Answers without a network: stands in for the exchange and the sleep of cloudcal.wait.

local wait = require "cloudcal.wait"

local wire = {}

local function head_text(answer)
    local lines = { ("HTTP/1.1 %d Status"):format(answer.status) }
    for name, value in pairs(answer.headers or {}) do
        lines[#lines + 1] = name .. ": " .. value
    end
    return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

--- The header lines of an answer { status, headers }, as the core gives them.
wire.head = head_text

local function transfer_of(answer)
    return {
        take = function()
            if answer.fail then
                return nil, answer.fail, answer.text or "", answer.sent == true, 0,
                    answer.head or ""
            end
            return answer.status, answer.head or head_text(answer), answer.body
        end,
        timings = function() return 0, 0, 0, 0, 0 end,
    }
end

--- Runs a function while the answers are given to it in their order, the last one for ever.
-- @param answers an array of { status, headers, body } or { fail = number, text, sent }; with
-- `head`, its lines as they came
-- @return what went out ({ sent = array of the core's options, pauses = array of seconds }), and
-- the first three results of the function
function wire.play(answers, fn)
    local exchange, sleep = wait.exchange, wait.sleep
    local seen = { sent = {}, pauses = {} }
    wait.exchange = function(sent)
        seen.sent[#seen.sent + 1] = sent
        return transfer_of(answers[#seen.sent] or answers[#answers])
    end
    wait.sleep = function(seconds) seen.pauses[#seen.pauses + 1] = seconds end
    local fine, a, b, c = pcall(fn)
    wait.exchange, wait.sleep = exchange, sleep
    if not fine then error(a, 0) end
    return seen, a, b, c
end

return wire
