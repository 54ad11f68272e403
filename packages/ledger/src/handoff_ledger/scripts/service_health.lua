-- Reads what the doctor checks: Redis's clock, the last sweep, and contracts without a worker.
--
-- KEYS   none
-- ARGV   contract versions ...
-- Reply  {now in ms, last sweep in ms or 0, {contract versions without a live worker}, {contract version, parked tasks, ...}}
local unserved, parked = {}, {}
for _, version in ipairs(ARGV) do
  if redis.call('EXISTS', served_contract_key(version)) == 0 then unserved[#unserved + 1] = version end
end
for _, version in ipairs(redis.call('SMEMBERS', parked_versions_key())) do
  parked[#parked + 1] = version
  parked[#parked + 1] = redis.call('ZCARD', parked_key(version))
end
return { now, tonumber(redis.call('GET', last_sweep_key()) or 0), unserved, parked }
