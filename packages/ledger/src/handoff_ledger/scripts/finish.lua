-- Ends a running task, and takes another one if queues are named. ARGV: id, fence, state, outcome as JSON, error code or '',
-- retention in ms, the worker's queues, first the one that comes first ...
-- Replies the state it has now; stale when this attempt no longer holds it; what `take` gives when there is another one.
local id, fence, state, outcome, code, retention = unpack(ARGV)
local task = held(id, fence)
if not task then
  task = read(id)
  -- The reply of a first call may have been lost on its way.
  return task and task.fence == fence and task.finished and task.state or 'stale'
end
observe(task, 'run', now - tonumber(task.claimed))
finish(task, state, outcome, code, retention)
return take_after(task, { unpack(ARGV, 7) }) or state
