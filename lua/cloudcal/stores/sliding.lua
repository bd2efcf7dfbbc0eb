--- What the sliding windows of all stores have in common.

return {
    -- times that a window remembers; a wider one records each k-th call
    recorded = 1000,
    -- seconds; a call that is not settled by then was counted, or never left
    longest_open = 5,
}
