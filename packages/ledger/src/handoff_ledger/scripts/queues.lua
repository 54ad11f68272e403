-- Reads the state of queues.
--
-- KEYS   none
-- ARGV   queues ...
-- Reply  for each queue {name, queued tasks, wait of the oldest in ms, 1 when a live worker serves it, overdue tasks}
local MAX_OVERDUE = 250 -- of each kind: a higher count has no use
local overdue = {}
for _, state in ipairs({ 'scheduled', 'running' }) do
  local late = redis.call('ZRANGE', state_key(state), '-inf', text(now), 'BYSCORE', 'LIMIT', 0, MAX_OVERDUE)
  for _, id in ipairs(late) do
    local queue = redis.call('HGET', task_key(id), 'queue')
    if queue then overdue[queue] = (overdue[queue] or 0) + 1 end
  end
end

local rows = {}
for _, name in ipairs(ARGV) do
  local index = queued_key(name)
  local oldest = redis.call('ZRANGE', index, 0, 0)[1]
  local times = oldest and redis.call('HMGET', task_key(oldest), 'due', 'created') or {}
  local since = tonumber(times[1] or times[2] or now)
  local served = redis.call('EXISTS', served_queue_key(name))
  rows[#rows + 1] = { name, redis.call('ZCARD', index), now - since, served, overdue[name] or 0 }
end
return rows
