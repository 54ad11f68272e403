-- Records outcomes of a pack's items. ARGV: id, fence, count of items, JSON [[index, state, result or error], ...],
-- then a state and its count, for each state there is. Replies stale, go or cancel.
local id, fence, items, outcomes = unpack(ARGV, 1, 4)
local task = held(id, fence)
if not task then return 'stale' end
-- The reply of a first call may have been lost on its way: no item has two outcomes, so it is known by them.
if redis.call('LINDEX', 'handoff:items:' .. id, -1) == outcomes then return task.cancel and 'cancel' or 'go' end
redis.call('RPUSH', 'handoff:items:' .. id, outcomes)
redis.call('HINCRBY', task_key(id), 'done', items)
for at = 5, #ARGV, 2 do
  redis.call('HINCRBY', task_key(id), ARGV[at], ARGV[at + 1])
  redis.call('HINCRBY', batch_key(task.batch), ARGV[at], ARGV[at + 1])
  count(task, 'item ' .. ARGV[at], ARGV[at + 1])
end
redis.call('HINCRBY', batch_key(task.batch), 'running', -items)
settle_batch(task.batch, tonumber(items))
notify(task.batch, 'running')
notify(id, 'running')
return task.cancel and 'cancel' or 'go'
