-- What a doctor asks. ARGV: contracts as <name>:<version> ...
-- Replies {now ms, last sweep ms or 0, {contracts nobody serves}, {parked contract, count, ...}}.
local unserved, parked = {}, {}
for _, contract in ipairs(ARGV) do
  if redis.call('EXISTS', 'handoff:serves:' .. contract) == 0 then unserved[#unserved + 1] = contract end
end
for _, parking in ipairs(redis.call('SMEMBERS', 'handoff:parkings')) do
  parked[#parked + 1] = parking
  parked[#parked + 1] = redis.call('ZCARD', 'handoff:parked:' .. parking)
end
return { now, tonumber(redis.call('GET', 'handoff:swept') or 0), unserved, parked }
