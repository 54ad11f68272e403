-- The reconciler's beat. ARGV: owner, leadership in ms, a gap in ms after which leases get time to be renewed, how much time
-- in ms, grace of an unclaimed message in ms, most records, retention in ms, queues ...
-- Replies false unless `owner` leads, else {due, lapsed, republished, expired, released, trimmed, stepped, discarded, broken, more}:
-- what was done, and 1 when there may be more to do.
local owner, leads, gap, amnesty, grace, budget, retention = unpack(ARGV, 1, 7)
budget = tonumber(budget)
local leader = redis.call('GET', 'handoff:leader')
if leader and leader ~= owner then return false end
redis.call('SET', 'handoff:leader', owner, 'PX', leads)

-- While Redis or every reconciler was away no lease could be renewed: what runs gets time before it is given to others.
local before = tonumber(redis.call('GET', 'handoff:swept') or 0)
redis.call('SET', 'handoff:swept', text(now))
if now - before > tonumber(gap) then redis.call('SET', 'handoff:amnesty', 1, 'PX', amnesty) end

-- All steps share one bound, so that Redis serves others soon. What is left over is done by the next sweep.
local done = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
local DUE, LEASE_EXPIRED, REPUBLISHED, EXPIRED, RELEASED, TRIMMED, STEPPED, DISCARDED, BROKEN, MORE = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local AGAIN_MS = 1000
local PACKS_A_STEP = 100 -- to cancel a pack takes Redis 0.2 ms
local STAGED_MS = 600000 -- how long packs wait for their batch to be accepted
local function did(step, number)
  done[step] = done[step] + (number or 1)
  budget = budget - (number or 1)
  if budget <= 0 then done[MORE] = 1 end
end

local function due(name)
  return budget > 0 and redis.call('ZRANGE', name, '-inf', text(now), 'BYSCORE', 'LIMIT', 0, budget) or {}
end

-- Moves one task of an index by time. A record that can't be moved stops nobody else: it is tried again in a second.
local function attempt(step, name, id, act)
  local task = read(id)
  if not task then
    redis.call('ZREM', name, id)
  elseif pcall(act, task) then
    did(step)
  else
    if step ~= REPUBLISHED then redis.call('ZADD', name, 'XX', text(now + AGAIN_MS), id) end
    did(BROKEN)
  end
end

for _, id in ipairs(due('handoff:expiring')) do
  local task = read(id)
  if task and OPEN[task.state] and task.state ~= 'running' then
    attempt(EXPIRED, 'handoff:expiring', id, function(waiting)
      finish(waiting, 'expired', fail('expired', 'It waited longer than it was wanted.'), 'expired', retention)
    end)
  else
    redis.call('ZREM', 'handoff:expiring', id)
    budget = budget - 1
  end
end

for _, id in ipairs(due('handoff:scheduled')) do attempt(DUE, 'handoff:scheduled', id, enqueue) end

if redis.call('EXISTS', 'handoff:amnesty') == 0 then
  for _, id in ipairs(due('handoff:running')) do
    attempt(LEASE_EXPIRED, 'handoff:running', id, function(task) expire_lease(task, retention) end)
  end
end

-- A list is popped in the order of its sequence numbers. A queued task with a lower number than the list's oldest message has
-- none in the list: a worker is about to claim it, or was killed in between. After the grace it is published again.
local function missing(queue)
  local oldest = redis.pcall('LINDEX', queue, -1)
  if type(oldest) == 'table' or budget <= 0 then return {} end -- no list is there
  local seq = oldest and string.match(oldest, '"delivery_tag": ?"' .. queue .. '%-(%d+)"')
  if oldest and not seq then return {} end
  return redis.call('ZRANGE', 'handoff:queued:' .. queue, '-inf', seq and '(' .. seq or '+inf', 'BYSCORE',
    'LIMIT', 0, budget, 'WITHSCORES')
end

for at = 8, #ARGV do
  local gone = missing(ARGV[at])
  for entry = 1, #gone, 2 do
    local mark = gone[entry] .. ' ' .. gone[entry + 1]
    local seen = redis.call('ZSCORE', 'handoff:missing', mark)
    if not seen then
      redis.call('ZADD', 'handoff:missing', text(now), mark)
      budget = budget - 1
    elseif now - tonumber(seen) >= tonumber(grace) then
      attempt(REPUBLISHED, 'handoff:queued:' .. ARGV[at], gone[entry], function(task)
        count(task, 'republished')
        enqueue(task)
      end)
    end
  end
end
redis.call('ZREMRANGEBYSCORE', 'handoff:missing', '-inf', text(now - 10 * tonumber(grace)))

for _, parking in ipairs(redis.call('SMEMBERS', 'handoff:parkings')) do
  local name = 'handoff:parked:' .. parking
  if budget > 0 and redis.call('EXISTS', 'handoff:serves:' .. parking) == 1 then
    for _, id in ipairs(redis.call('ZRANGE', name, 0, budget - 1)) do attempt(RELEASED, name, id, enqueue) end
  end
  if redis.call('EXISTS', name) == 0 then redis.call('SREM', 'handoff:parkings', parking) end
end

local packs = 0
while budget > 0 and packs < PACKS_A_STEP do
  local batch = redis.call('ZRANGE', 'handoff:batch_steps', 0, 0)[1]
  if not batch then break end
  local used = math.max(1, (advance(batch, PACKS_A_STEP - packs, retention)))
  packs = packs + used
  did(STEPPED, used)
end
if redis.call('EXISTS', 'handoff:batch_steps') == 1 then done[MORE] = 1 end

-- Packs whose batch was never accepted.
for _, batch in ipairs(redis.call('ZRANGE', 'handoff:staging', '-inf', text(now - STAGED_MS), 'BYSCORE', 'LIMIT', 0, 1)) do
  local packs = tonumber(redis.call('HGET', 'handoff:staged', batch) or 0)
  local from = math.max(0, packs - math.max(budget, 0))
  for pack = from, packs - 1 do
    local id = batch .. '.' .. pack
    redis.call('DEL', task_key(id), 'handoff:payload:' .. id)
  end
  if from == 0 then
    redis.call('ZREM', 'handoff:staging', batch)
    redis.call('HDEL', 'handoff:staged', batch)
  else
    redis.call('HSET', 'handoff:staged', batch, text(from))
  end
  did(DISCARDED, packs - from)
end

for _, state in ipairs(ENDED) do
  local name = 'handoff:' .. state
  local old = budget > 0
    and redis.call('ZRANGE', name, '-inf', text(now - tonumber(retention)), 'BYSCORE', 'LIMIT', 0, budget) or {}
  for _, id in ipairs(old) do
    local task = read(id)
    if task and task.batch and not redis.call('HGET', batch_key(task.batch), 'finished') then -- the pack lives on with its batch
      redis.call('ZADD', name, 'XX', text(now), id)
    else
      redis.call('ZREM', name, id)
    end
    did(TRIMMED)
  end
end
return done
