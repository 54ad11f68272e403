-- Records outcomes of a pack's items.
--
-- KEYS   none
-- ARGV   id, fence, number of items, outcomes as JSON [[index, state, result or error], ...],
--        then each state that occurs and its number
-- Reply  go, cancel when the pack is to stop, or stale when the attempt has lost its lease
local id, fence, items, outcomes = unpack(ARGV, 1, 4)
local task = read_attempt(id, fence)
if not task then return 'stale' end
-- The worker may repeat a call whose reply was lost. An item has one outcome, so equal outcomes are the same call.
if redis.call('LINDEX', items_key(id), -1) == outcomes then return task.cancel and 'cancel' or 'go' end
redis.call('RPUSH', items_key(id), outcomes)
redis.call('HINCRBY', task_key(id), 'done', items)
for at = 5, #ARGV, 2 do
  local state, number = ARGV[at], ARGV[at + 1]
  redis.call('HINCRBY', task_key(id), state, number)
  redis.call('HINCRBY', batch_key(task.batch), state, number)
  count(task, 'item ' .. state, number)
end
redis.call('HINCRBY', batch_key(task.batch), 'running', -items)
close_items(task.batch, tonumber(items))
notify(task.batch, 'running')
notify(id, 'running')
return task.cancel and 'cancel' or 'go'
