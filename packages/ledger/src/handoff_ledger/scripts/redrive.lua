-- Queues one dead letter again. ARGV: id, by whom, retention in ms. Replies redriven, the state of one that is none, or unknown.
local task = read(ARGV[1])
if not task then return 'unknown' end
if not REDRIVABLE[task.state] then return task.state end
if not redrive(task) then return task.state end
log_action(ARGV[2], 'redrive', ARGV[1], 1, ARGV[3])
return 'redriven'
