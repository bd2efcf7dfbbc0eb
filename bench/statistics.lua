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
    local low, high = sorted[math.ceil(count / 2)], sorted[math.floor(count / 2) + 1]
    return { median = (low + high) / 2, low = sorted[1], high = sorted[count] }
end

--- Runs programs in turn, each between two runs of the base, so that what disturbs the machine
-- for longer than a run disturbs both.
-- @param rounds how often
-- @param base function() that runs the base, and returns what it measured
-- @param peers array of functions like base
-- @return for the base and each peer, an array of { own, base }: what it measured in each round,
-- and of the base what was measured before and after
function statistics.interleave(rounds, base, peers)
    local of_base, of_peers = {}, {}
    for i = 1, #peers do of_peers[i] = {} end
    local before = base()
    for round = 1, rounds do
        of_base[#of_base + 1] = before
        for i, peer in ipairs(peers) do
            local own = peer()
            local after = base()
            of_peers[i][round] = { own = own, before = before, after = after }
            before = after
        end
    end
    return of_base, of_peers
end

--- The ratio of a peer to the base, round by round.
-- @param pairs_of as interleave returns them for a peer
-- @param figure function(measured) that returns a number
-- @return as summary
function statistics.ratio(pairs_of, figure)
    local ratios = {}
    for i, one in ipairs(pairs_of) do
        ratios[i] = figure(one.own) / ((figure(one.before) + figure(one.after)) / 2)
    end
    return statistics.summary(ratios)
end

return statistics
