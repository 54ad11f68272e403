-- Cancels the open packs of a batch. ARGV: id, by whom, retention in ms, how many packs at most; the reconciler goes on with the rest.
-- Replies {how many packs were cancelled or asked to stop, 1 when there is more to do, else 0}, or false for no batch.
-- While there is more to do no pack of the batch starts, see claim.lua.
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
local _, done = advance(id, tonumber(most), retention)
return { cancelled, done and 0 or 1 }
