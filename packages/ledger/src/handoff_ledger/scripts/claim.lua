-- Takes a queued task for one attempt. ARGV: id, owner, the version the worker knows, lease in ms, retention in ms.
-- Replies {refused, why}, or what `take` gives.
local id, owner, version, lease, retention = unpack(ARGV)
local task = read(id)
if not task then return { 'refused', 'unknown' } end
if task.state ~= 'queued' then return { 'refused', task.state } end
-- Asked for while it ran, and given back since; or its batch is being cancelled.
if task.cancel or task.batch and redis.call('HGET', batch_key(task.batch), 'cancel_next') then
  finish(task, 'cancelled', fail('cancelled', 'Cancelled while it was running.'), 'cancelled', retention)
  return { 'refused', 'cancelled' }
end
if task.expires and tonumber(task.expires) <= now then
  finish(task, 'expired', fail('expired', 'It waited longer than it was wanted.'), 'expired', retention)
  return { 'refused', 'expired' }
end
if task.version ~= version then
  redis.call('SADD', 'handoff:parkings', task.contract .. ':' .. task.version)
  move(task, 'parked', now)
  return { 'refused', 'parked' }
end
return take(task, owner, lease)
