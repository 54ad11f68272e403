-- Sets a queued task aside until a worker serves its contract version.
--
-- KEYS   none
-- ARGV   id
-- Reply  the task's state now, or unknown
local task = read(ARGV[1])
if not task then return 'unknown' end
if task.state == 'queued' then park(task) end
return task.state
