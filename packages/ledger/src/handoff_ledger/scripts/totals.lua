-- Everything counted since the beginning, and what is open now. Replies {stats as a flat list, running, scheduled, parked}.
local parked = 0
for _, parking in ipairs(redis.call('SMEMBERS', 'handoff:parkings')) do
  parked = parked + redis.call('ZCARD', 'handoff:parked:' .. parking)
end
return {
  redis.call('HGETALL', 'handoff:stats'), redis.call('ZCARD', 'handoff:running'), redis.call('ZCARD', 'handoff:scheduled'), parked,
}
