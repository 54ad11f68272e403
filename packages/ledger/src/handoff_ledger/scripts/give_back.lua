-- Returns a running task to its queue without counting the attempt.
--
-- KEYS   none
-- ARGV   id, fence, delay in ms: 0 queues the task now
-- Reply  the task's state now, or stale when the attempt has lost its lease
local id, fence, delay = ARGV[1], ARGV[2], tonumber(ARGV[3])
local task = read_attempt(id, fence)
if not task then return 'stale' end
local queue_now = delay == 0 or task.cancel
if queue_now then require_list(task.queue) end
write(task, { attempt = tonumber(task.attempt) - 1 })
if queue_now then enqueue(task) else move(task, 'scheduled', now + delay, { due = now + delay }) end
return task.state
