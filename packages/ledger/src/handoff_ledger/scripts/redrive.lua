-- Queues one dead or failed task again.
--
-- KEYS   none
-- ARGV   id, by whom, retention in ms
-- Reply  redriven, the state of a task that cannot be redriven, or unknown
local id, by, retention = unpack(ARGV)
local task = read(id)
if not task then return 'unknown' end
if not REDRIVABLE[task.state] then return task.state end
if not redrive(task) then return task.state end
log_action(by, 'redrive', id, 1, retention)
return 'redriven'
