-- The state of the queues. ARGV: names ...
-- Replies {name, queued, how long the oldest has waited in ms, served 0/1, overdue} for each.
local MOST = 250 -- overdue tasks of each kind that are counted: more of them say no more
local overdue = {}
for _, index in ipairs({ 'handoff:scheduled', 'handoff:running' }) do
  for _, id in ipairs(redis.call('ZRANGE', index, '-inf', text(now), 'BYSCORE', 'LIMIT', 0, MOST)) do
    local queue = redis.call('HGET', task_key(id), 'queue')
    if queue then overdue[queue] = (overdue[queue] or 0) + 1 end
  end
end

local rows = {}
for _, name in ipairs(ARGV) do
  local index = 'handoff:queued:' .. name
  local oldest = redis.call('ZRANGE', index, 0, 0)[1]
  local times = oldest and redis.call('HMGET', task_key(oldest), 'due', 'created') or {}
  local since = tonumber(times[1] or times[2] or now)
  local served = redis.call('EXISTS', 'handoff:serving:' .. name)
  rows[#rows + 1] = { name, redis.call('ZCARD', index), now - since, served, overdue[name] or 0 }
end
return rows
