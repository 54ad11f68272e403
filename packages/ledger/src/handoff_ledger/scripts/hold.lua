-- Holds a channel up for every worker. ARGV: channel, why, for how many ms.
redis.call('ZREMRANGEBYSCORE', 'handoff:holds', '-inf', text(now))
return redis.call('ZADD', 'handoff:holds', 'GT', text(now + tonumber(ARGV[3])), ARGV[2] .. ' ' .. ARGV[1])
