-- The state of the queues. ARGV: names ... Replies {name, queued, how long the oldest has waited in ms, served 0/1} for each.
local rows = {}
for _, name in ipairs(ARGV) do
  local index = 'handoff:queued:' .. name
  local oldest = redis.call('ZRANGE', index, 0, 0)[1]
  local times = oldest and redis.call('HMGET', task_key(oldest), 'due', 'created') or {}
  local since = tonumber(times[1] or times[2] or now)
  rows[#rows + 1] = { name, redis.call('ZCARD', index), now - since, redis.call('EXISTS', 'handoff:serving:' .. name) }
end
return rows
