-- Schedules the next attempt at a running task, or ends the task when its attempts are used up.
--
-- KEYS   none
-- ARGV   id, fence, delay in ms, error as JSON, error code, retention in ms
-- Reply  the task's state now: scheduled, dead or cancelled; stale when the attempt has lost its lease
local id, fence, delay, outcome, code, retention = unpack(ARGV)
local task = read_attempt(id, fence)
if not task then
  task = read(id)
  -- The worker may repeat a call whose reply was lost.
  return task and task.fence == fence and (task.finished or task.state == 'scheduled') and task.state or 'stale'
end
observe(task, 'run', now - tonumber(task.claimed))
if task.cancel then
  finish_cancelled(task, retention)
elseif tonumber(task.attempt) >= tonumber(task.attempts) then
  finish(task, 'dead', outcome, code, retention)
else
  count(task, 'retried')
  redis.call('SET', outcome_key(id), outcome)
  local due = now + tonumber(delay)
  move(task, 'scheduled', due, { due = due, error = code })
end
return task.state
