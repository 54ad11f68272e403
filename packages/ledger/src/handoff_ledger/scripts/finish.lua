-- Ends a running task. ARGV: id, fence, state, outcome as JSON, error code or '', retention in ms.
-- Replies the state it has now; stale when this attempt no longer holds it.
local id, fence, state, outcome, code, retention = unpack(ARGV)
local task = held(id, fence)
if not task then
  task = read(id)
  -- The reply of a first call may have been lost on its way.
  return task and task.fence == fence and task.finished and task.state or 'stale'
end
observe(task, 'run', now - tonumber(task.claimed))
finish(task, state, outcome, code, retention)
return state
