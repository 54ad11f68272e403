-- Ends a running task and, when the worker names its queues, claims the next one.
--
-- KEYS   none
-- ARGV   id, fence, state, outcome as JSON, error code or '', retention in ms, the worker's queues by precedence ...
-- Reply  the task's state now, stale when the attempt has lost its lease, or the reply of `start_attempt` for the next task
local id, fence, state, outcome, code, retention = unpack(ARGV)
local task = read_attempt(id, fence)
if not task then
  task = read(id)
  -- The worker may repeat a call whose reply was lost.
  return task and task.fence == fence and task.finished and task.state or 'stale'
end
observe(task, 'run', now - tonumber(task.claimed))
finish(task, state, outcome, code, retention)
return claim_next(task, { unpack(ARGV, 7) }) or state
