-- Takes a queued task for one attempt. ARGV: id, owner, the version the worker knows, lease in ms, retention in ms.
-- Replies {refused, why} or {claimed, fence, attempt, attempts, payload, common or '', {outcomes of items so far ...}}.
local id, owner, version, lease, retention = unpack(ARGV)
local task = read(id)
if not task then return { 'refused', 'unknown' } end
if task.state ~= 'queued' then return { 'refused', task.state } end
if task.cancel then -- asked for while it ran, and given back since
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
local fields = { fence = (task.fence or 0) + 1, attempt = (task.attempt or 0) + 1, owner = owner, lease = lease }
if not task.started then
  fields.started = now
  observe(task, 'start', now - tonumber(task.due or task.created))
end
fields.claimed = now
move(task, 'running', now + tonumber(lease), fields)
local common = task.batch and redis.call('GET', 'handoff:common:' .. task.batch) or ''
return {
  'claimed', tonumber(task.fence), tonumber(task.attempt), tonumber(task.attempts),
  redis.call('GET', 'handoff:payload:' .. id), common, redis.call('LRANGE', 'handoff:items:' .. id, 0, -1),
}
