-- Cancels a task, or asks the one that runs to stop. ARGV: id, retention in ms. Replies the state it has now, or unknown.
local task = read(ARGV[1])
if not task then return 'unknown' end
cancel(task, ARGV[2])
return task.state
