-- Ends the lease of a running task at once, because its process is gone or its worker stops.
--
-- KEYS   none
-- ARGV   id, owner, retention in ms
-- Reply  the task's state now, or stale when `owner` does not run it
local id, owner, retention = unpack(ARGV)
local task = read(id)
if not (task and task.state == 'running' and task.owner == owner) then return 'stale' end
expire_lease(task, retention)
return task.state
