-- Cancels the open packs of a batch. The reconciler continues after `most` packs, and meanwhile claim.lua starts no pack.
--
-- KEYS   none
-- ARGV   id, by whom, retention in ms, the most packs to visit
-- Reply  {packs that were cancelled or asked to stop, 1 when the reconciler continues, else 0}; false for no such batch
local id, by, retention, most = unpack(ARGV)
local name = batch_key(id)
local packs, open, next = unpack(redis.call('HMGET', name, 'packs', 'open', 'cancel_next'))
if not packs then return false end
if tonumber(open) == 0 then return { 0, 0 } end
if not next then
  redis.call('HDEL', name, 'release_next')
  redis.call('HSET', name, 'cancel_by', by)
  plan_step(id, 'cancel')
end
local _, done = advance_batch(id, tonumber(most), retention)
return { cancelled, done and 0 or 1 }
