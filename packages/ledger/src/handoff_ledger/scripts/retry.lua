-- Puts a running task off until its next attempt. ARGV: id, fence, delay in ms, error as JSON, error code, retention in ms.
-- Replies the state it has now: scheduled, or dead after its attempts, or cancelled; stale when no longer held.
local id, fence, delay, outcome, code, retention = unpack(ARGV)
local task = held(id, fence)
if not task then
  task = read(id)
  return task and task.fence == fence and (task.finished or task.state == 'scheduled') and task.state or 'stale'
end
observe(task, 'run', now - tonumber(task.claimed))
if task.cancel then
  finish(task, 'cancelled', fail('cancelled', 'Cancelled while it was running.'), 'cancelled', retention)
elseif tonumber(task.attempt) >= tonumber(task.attempts) then
  finish(task, 'dead', outcome, code, retention)
else
  count(task, 'retried')
  redis.call('SET', 'handoff:outcome:' .. id, outcome)
  local due = now + tonumber(delay)
  move(task, 'scheduled', due, { due = due, error = code })
end
return task.state
