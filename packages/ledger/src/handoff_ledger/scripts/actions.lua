-- The newest actions first. ARGV: how many, cursor or ''. Replies stream entries.
return redis.call('XREVRANGE', 'handoff:actions', ARGV[2] == '' and '+' or '(' .. ARGV[2], '-', 'COUNT', ARGV[1])
