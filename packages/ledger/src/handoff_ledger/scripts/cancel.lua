-- Cancels a task, or asks the one that runs to stop. ARGV: id, by whom, retention in ms. Replies the state it has now, or unknown.
local task = read(ARGV[1])
if not task then return 'unknown' end
if OPEN[task.state] and not (task.state == 'running' and task.cancel) then
  cancel(task, ARGV[3])
  log_action(ARGV[2], 'cancel', ARGV[1], 1, ARGV[3])
end
return task.state
