-- Everything counted since the beginning, and what is open now.
-- Replies {stats as a flat list, running, scheduled, parked, ms since the last sweep or false}.
local swept = redis.call('GET', 'handoff:swept')
local parked = 0
for _, parking in ipairs(redis.call('SMEMBERS', 'handoff:parkings')) do
  parked = parked + redis.call('ZCARD', 'handoff:parked:' .. parking)
end
return {
  redis.call('HGETALL', 'handoff:stats'), redis.call('ZCARD', 'handoff:running'), redis.call('ZCARD', 'handoff:scheduled'), parked,
  swept and now - tonumber(swept),
}
