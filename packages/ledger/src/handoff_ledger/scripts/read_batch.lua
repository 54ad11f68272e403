-- Reads a batch. ARGV: id. Replies its record as a flat list, empty when there is none.
return redis.call('HGETALL', 'handoff:batch:' .. ARGV[1])
