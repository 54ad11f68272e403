-- Cancels a waiting task, or asks the worker of a running one to stop.
--
-- KEYS   none
-- ARGV   id, by whom, retention in ms
-- Reply  the task's state now, or unknown
local id, by, retention = unpack(ARGV)
local task = read(id)
if not task then return 'unknown' end
-- A running task that was already asked to stop needs no second action.
if OPEN[task.state] and not (task.state == 'running' and task.cancel) then
  cancel(task, retention)
  log_action(by, 'cancel', id, 1, retention)
end
return task.state
