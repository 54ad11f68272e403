-- Gives a running task back at once: its process is gone, or its worker stops. ARGV: id, owner, retention in ms.
-- Replies the state it has now, or stale.
local task = read(ARGV[1])
if not (task and task.state == 'running' and task.owner == ARGV[2]) then return 'stale' end
expire_lease(task, ARGV[3])
return task.state
