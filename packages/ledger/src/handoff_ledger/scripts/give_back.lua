-- Queues a pack again that its worker stopped early, without counting the attempt. ARGV: id, fence.
-- Replies the state it has now; stale when no longer held.
local task = held(ARGV[1], ARGV[2])
if not task then return 'stale' end
write(task, { attempt = tonumber(task.attempt) - 1 })
enqueue(task)
return task.state
