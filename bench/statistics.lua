--- Medians, and ratios of what was measured in turn.

local statistics = {}

--- Sums up numbers.
-- @return { median, low, high }; of an even count the median is the mean of the middle two
function statistics.summary(values)
    local sorted = {}
    for i, value in ipairs(values) do sorted[i] = value end
    table.sort(sorted)
    local count = #sorted
    assert(count > 0, "no values")
    local below, above = sorted[math.ceil(count / 2)], sorted[math.floor(count / 2) + 1]
    return { median = (below + above) / 2, low = sorted[1], high = sorted[count] }
end

--- The same of what a function finds in each of a list.
function statistics.summary_of(list, figure)
    local values = {}
    for i, one in ipairs(list) do values[i] = figure(one) end
    return statistics.summary(values)
end

--- Runs programs in turn, each between two runs of the base, so that what disturbs the machine
-- for longer than a run disturbs both.
-- @param rounds how often
-- @param base function() that runs the base, and returns what it measured
-- @param peers array of { run = function like base, rounds = fewer than the others, or nil }
-- @return what the base measured, in an array; and for each peer an array of { own, before,
-- after }: what it measured, and what the base did before and after it
function statistics.interleave(rounds, base, peers)
    local of_base, of_peers = { base() }, {}
    for round = 1, rounds do
        for i, peer in ipairs(peers) do
            of_peers[i] = of_peers[i] or {}
            if round <= (peer.rounds or rounds) then
                local before, own = of_base[#of_base], peer.run()
                of_base[#of_base + 1] = base()
                of_peers[i][round] = { own = own, before = before, after = of_base[#of_base] }
            end
        end
    end
    return of_base, of_peers
end

local function to_base(one, figure)
    return figure(one.own) / ((figure(one.before) + figure(one.after)) / 2)
end

--- The ratio of a peer to the base, round by round.
-- @param rounds as interleave returns them for a peer
-- @param figure function(measured) that returns a number
-- @return as summary
function statistics.ratio(rounds, figure)
    return statistics.summary_of(rounds, function(one) return to_base(one, figure) end)
end

--- The ratio of one peer to another, each in terms of the base that ran beside it.
function statistics.between(rounds, others, figure)
    local ratios = {}
    for i = 1, math.min(#rounds, #others) do
        ratios[i] = to_base(rounds[i], figure) / to_base(others[i], figure)
    end
    return statistics.summary(ratios)
end

return statistics
