-- Takes a queued task for one attempt.
--
-- KEYS   none
-- ARGV   id, owner, the contract's version that the worker serves, lease in ms, retention in ms
-- Reply  {refused, the task's state or unknown}, or the reply of `start_attempt`
local id, owner, version, lease, retention = unpack(ARGV)
local task = read(id)
if not task then return { 'refused', 'unknown' } end
if task.state ~= 'queued' then return { 'refused', task.state } end
-- Either the task was queued again after a request to stop, or its batch is being cancelled.
if task.cancel or task.batch and redis.call('HGET', batch_key(task.batch), 'cancel_next') then
  finish_cancelled(task, retention)
  return { 'refused', 'cancelled' }
end
if task.expires and tonumber(task.expires) <= now then
  finish_expired(task, retention)
  return { 'refused', 'expired' }
end
if task.version ~= version then
  park(task)
  return { 'refused', 'parked' }
end
return start_attempt(task, owner, lease)
