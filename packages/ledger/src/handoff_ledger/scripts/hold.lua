-- Puts a channel on hold for every worker, unless it is on hold for longer.
--
-- KEYS   none
-- ARGV   channel, reason, duration in ms
-- Reply  the number of new holds
local channel, reason, duration = unpack(ARGV)
redis.call('ZREMRANGEBYSCORE', holds_key(), '-inf', text(now))
return redis.call('ZADD', holds_key(), 'GT', text(now + tonumber(duration)), reason .. ' ' .. channel)
