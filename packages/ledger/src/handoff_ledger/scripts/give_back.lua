-- Gives a running task back without counting the attempt. ARGV: id, fence, delay in ms: 0 queues it again, else it is scheduled.
-- Replies the state it has now; stale when no longer held.
local task = held(ARGV[1], ARGV[2])
if not task then return 'stale' end
local delay = tonumber(ARGV[3])
local now_queued = delay == 0 or task.cancel
if now_queued then require_list(task.queue) end
write(task, { attempt = tonumber(task.attempt) - 1 })
if now_queued then enqueue(task) else move(task, 'scheduled', now + delay, { due = now + delay }) end
return task.state
