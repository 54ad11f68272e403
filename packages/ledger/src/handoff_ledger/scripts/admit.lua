-- Permits to send through a channel, by GCRA on Redis's clock: a key holds the time, in us, up to which they are given out.
-- ARGV: channel, how many are wanted, us between two (0: no limit), us that an idle channel may catch up.
-- Replies {permits, us to wait when there are none, why when the channel is held or ''}.
local channel, wanted, interval, burst = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for _, why in ipairs({ 'credential_rejected', 'throttled' }) do
  local till = tonumber(redis.call('ZSCORE', 'handoff:holds', why .. ' ' .. channel) or 0)
  if till > now then return { 0, (till - now) * 1000, why } end
end
if interval == 0 then return { wanted, 0, '' } end
local us = clock[1] * 1000000 + clock[2]
local name = 'handoff:pace:' .. channel
local given = math.max(tonumber(redis.call('GET', name) or 0), us - burst)
local permits = math.min(wanted, math.floor((us - given) / interval))
if permits < 1 then return { 0, given + interval - us, '' } end
-- Once the burst is over, it says no more at this rate than no key does.
redis.call('SET', name, text(given + permits * interval), 'PX', math.ceil(burst / 1000))
return { permits, 0, '' }
