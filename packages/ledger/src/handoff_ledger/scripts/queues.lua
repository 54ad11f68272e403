-- The state of the queues. ARGV: names ... Replies {queued, created ms of the oldest or 0, served 0/1} for each, then the
-- count of all that run, are scheduled and are parked.
local rows = {}
for _, name in ipairs(ARGV) do
  local index = 'handoff:queued:' .. name
  local oldest = redis.call('ZRANGE', index, 0, 0)[1]
  local since = oldest and tonumber(redis.call('HGET', task_key(oldest), 'created')) or now
  rows[#rows + 1] = { name, redis.call('ZCARD', index), now - since, redis.call('EXISTS', 'handoff:serving:' .. name) }
end
return rows
