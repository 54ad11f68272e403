-- Reads all counters, and how many tasks are in some states.
--
-- KEYS   none
-- ARGV   none
-- Reply  {counters as a flat list, running, scheduled, parked, ms since the last sweep or false}
local swept = redis.call('GET', last_sweep_key())
local parked = 0
for _, version in ipairs(redis.call('SMEMBERS', parked_versions_key())) do
  parked = parked + redis.call('ZCARD', parked_key(version))
end
return {
  redis.call('HGETALL', stats_key()), redis.call('ZCARD', state_key('running')), redis.call('ZCARD', state_key('scheduled')),
  parked, swept and now - tonumber(swept),
}
