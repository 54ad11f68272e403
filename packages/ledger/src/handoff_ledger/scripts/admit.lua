-- Gives out permits to send through a channel, by GCRA on Redis's clock.
--
-- KEYS   none
-- ARGV   channel, permits wanted, us between two permits (0: no limit), us that an idle channel may catch up
-- Reply  {permits, us to wait when there is none, the reason when the channel is on hold or ''}
local channel, wanted, interval, burst = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for _, reason in ipairs({ 'credential_rejected', 'throttled' }) do
  local till = tonumber(redis.call('ZSCORE', holds_key(), reason .. ' ' .. channel) or 0)
  if till > now then return { 0, (till - now) * 1000, reason } end
end
if interval == 0 then return { wanted, 0, '' } end
local us = clock[1] * 1000000 + clock[2]
local name = pace_key(channel)
local given = math.max(tonumber(redis.call('GET', name) or 0), us - burst)
local permits = math.min(wanted, math.floor((us - given) / interval))
if permits < 1 then return { 0, given + interval - us, '' } end
-- Once the burst has passed, the key has the same effect as no key.
redis.call('SET', name, text(given + permits * interval), 'PX', math.ceil(burst / 1000))
return { permits, 0, '' }
