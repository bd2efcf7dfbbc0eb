--- Forks with calls in flight, at every stage of them: the child is told that they are lost and
-- makes calls of its own, the parent's end well. forks.lua PLAIN-PORT TLS-PORT CA-FILE

local core = require "cloudcal.core"
local host = require "torture.host"

local plain, tls, ca_file = ...

local ROUNDS, AT_ONCE, STEPS = 60, 4, 500
local LOST_IN_FORK = 1007 -- of src/core.h

local function options(number)
    local secure = number % 2 == 0
    return {
        url = secure and "https://127.0.0.1:" .. tls or "http://127.0.0.1:" .. plain,
        method = "POST", body = "{}", content_type = "application/json", user_agent = "torture",
        timeout = 60, connect_timeout = 60, max_response_bytes = 1e6, max_connections = 8,
        plain_http = not secure, ca_file = ca_file,
    }
end

local function finish(transfer)
    for _ = 1, STEPS do
        if transfer:done() then return transfer:take() end
        core.engine():step(1)
    end
end

local function submit(number) return assert(core.engine():submit(options(number))) end

-- 0: all is as it should be
local function in_child(transfers, ended)
    for i, transfer in ipairs(transfers) do
        local status, code = finish(transfer)
        local expected = ended[i] and status == 200 or code == LOST_IN_FORK
        if not expected then return 1 end
    end
    for number = 1, 2 do
        if finish(submit(number)) ~= 200 then return 2 end
    end
    core.engine():close()
    return 0
end

local wrong = 0

for round = 1, ROUNDS do
    if round % 3 == 0 then core.engine():close() end -- kept connections, or none
    local transfers, ended = {}, {}
    for number = 1, AT_ONCE do transfers[number] = submit(number) end
    for _ = 1, round % 20 do core.engine():step(0) end
    for number, transfer in ipairs(transfers) do ended[number] = transfer:done() end
    local status = host.apart(function() return in_child(transfers, ended) end)
    if status ~= 0 then
        wrong = wrong + 1
        print(("round %d: the child ended with %d"):format(round, status))
    end
    for _, transfer in ipairs(transfers) do
        local got, code, text = finish(transfer)
        if got ~= 200 then
            wrong = wrong + 1
            print(("round %d: in the parent: %s %s"):format(round, tostring(code), tostring(text)))
        end
    end
end

core.engine():close()
collectgarbage()
if host.leaks() then wrong = wrong + 1 end
print(("%d forks, %d calls in flight in each|%d"):format(ROUNDS, AT_ONCE, wrong))
if wrong > 0 then error "something went wrong" end
