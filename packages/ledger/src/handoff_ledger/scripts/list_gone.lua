-- Recipients that are gone, oldest first. ARGV: how many, since when in ms, cursor or ''. Replies stream entries.
return redis.call('XRANGE', 'handoff:gone', ARGV[3] == '' and ARGV[2] or '(' .. ARGV[3], '+', 'COUNT', ARGV[1])
