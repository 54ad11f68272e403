-- The reconciler's beat. ARGV: owner, leadership in ms, a gap in ms after which leases get time to be renewed, how much time
-- in ms, grace of an unclaimed message in ms, most tasks a step, retention in ms, queues ...
-- Replies false unless `owner` leads, else {due, lapsed, republished, expired, released, trimmed}.
local owner, leads, gap, amnesty, grace, most, retention = unpack(ARGV, 1, 7)
local leader = redis.call('GET', 'handoff:leader')
if leader and leader ~= owner then return false end
redis.call('SET', 'handoff:leader', owner, 'PX', leads)

-- While Redis or every reconciler was away no lease could be renewed: what runs gets time before it is given to others.
local before = tonumber(redis.call('GET', 'handoff:swept') or 0)
redis.call('SET', 'handoff:swept', text(now))
if now - before > tonumber(gap) then redis.call('SET', 'handoff:amnesty', 1, 'PX', amnesty) end

local function due(name) return redis.call('ZRANGE', name, '-inf', text(now), 'BYSCORE', 'LIMIT', 0, most) end

local done = { 0, 0, 0, 0, 0, 0 }
local function did(step) done[step] = done[step] + 1 end

for _, id in ipairs(due('handoff:expiring')) do
  local task = read(id)
  if task and OPEN[task.state] and task.state ~= 'running' then
    finish(task, 'expired', fail('expired', 'It waited longer than it was wanted.'), 'expired', retention)
    did(4)
  end
  redis.call('ZREM', 'handoff:expiring', id)
end

for _, id in ipairs(due('handoff:scheduled')) do
  local task = read(id)
  if task then enqueue(task); did(1) else redis.call('ZREM', 'handoff:scheduled', id) end
end

if redis.call('EXISTS', 'handoff:amnesty') == 0 then
  for _, id in ipairs(due('handoff:running')) do
    local task = read(id)
    if task then lapse(task, retention); did(2) else redis.call('ZREM', 'handoff:running', id) end
  end
end

-- A list is popped in the order of its sequence numbers. A queued task with a lower number than the list's oldest message has
-- none in the list: a worker is about to claim it, or was killed in between. After the grace it is published again.
local function missing(queue)
  local oldest = redis.call('LINDEX', queue, -1)
  local seq = oldest and string.match(oldest, '"delivery_tag": ?"' .. queue .. '%-(%d+)"')
  if oldest and not seq then return {} end
  return redis.call('ZRANGE', 'handoff:queued:' .. queue, '-inf', seq and '(' .. seq or '+inf', 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
end

for at = 8, #ARGV do
  local gone = missing(ARGV[at])
  for entry = 1, #gone, 2 do
    local mark = gone[entry] .. ' ' .. gone[entry + 1]
    local seen = redis.call('ZSCORE', 'handoff:missing', mark)
    if not seen then
      redis.call('ZADD', 'handoff:missing', text(now), mark)
    elseif now - tonumber(seen) >= tonumber(grace) then
      local task = read(gone[entry])
      if task then
        count(task, 'republished')
        enqueue(task)
        did(3)
      else
        redis.call('ZREM', 'handoff:queued:' .. ARGV[at], gone[entry])
      end
    end
  end
end
redis.call('ZREMRANGEBYSCORE', 'handoff:missing', '-inf', text(now - 10 * tonumber(grace)))

for _, parking in ipairs(redis.call('SMEMBERS', 'handoff:parkings')) do
  local name = 'handoff:parked:' .. parking
  if redis.call('EXISTS', 'handoff:serves:' .. parking) == 1 then
    for _, id in ipairs(redis.call('ZRANGE', name, 0, most - 1)) do
      local task = read(id)
      if task then enqueue(task); did(5) else redis.call('ZREM', name, id) end
    end
  end
  if redis.call('EXISTS', name) == 0 then redis.call('SREM', 'handoff:parkings', parking) end
end

for _, state in ipairs(ENDED) do
  local name = 'handoff:' .. state
  for _, id in ipairs(redis.call('ZRANGE', name, '-inf', text(now - tonumber(retention)), 'BYSCORE', 'LIMIT', 0, most)) do
    redis.call('ZREM', name, id)
    did(6)
  end
end
return done
