-- The reconciler's sweep: queues due tasks, ends expired leases and tasks, restores lost messages, and advances batches.
--
-- KEYS   none
-- ARGV   owner, leadership in ms, a gap in ms between sweeps after which leases get a grace, that grace in ms,
--        grace of an unclaimed message in ms, the most records to work on, retention in ms, queues ...
-- Reply  false unless `owner` leads, else {name, number, ...}: the records that each step worked on. Names:
--        expired        ended tasks whose expiry time has passed
--        due            queued tasks whose time has come
--        lease_expired  tasks whose worker stopped renewing
--        republished    queued tasks whose message was lost
--        unparked       queued tasks whose contract version a worker serves now
--        stepped        packs that a step of their batch visited
--        discarded      packs whose batch was never accepted
--        trimmed        entries that left the index of an ended state after the retention
--        broken         records that a step could not move
--        more           1 when another sweep has work at once
local owner, leads, gap, lease_grace, grace, budget, retention = unpack(ARGV, 1, 7)
local FIRST_QUEUE = 8 -- its position in ARGV
budget = tonumber(budget)
local leader = redis.call('GET', leader_key())
if leader and leader ~= owner then return false end
redis.call('SET', leader_key(), owner, 'PX', leads)

-- While Redis or every reconciler was away, no worker could renew a lease. So each lease gets time to be renewed first.
local before = tonumber(redis.call('GET', last_sweep_key()) or 0)
redis.call('SET', last_sweep_key(), text(now))
if now - before > tonumber(gap) then redis.call('SET', lease_grace_key(), 1, 'PX', lease_grace) end

-- All steps share one budget of records, so that the script is short. The next sweep does the rest.
local done = {}
local RETRY_MS = 1000
local PACKS_PER_SWEEP = 100 -- cancelling one takes Redis 0.2 ms
local STAGED_MS = 600000 -- how long staged packs wait for their batch
local function spend(records)
  budget = budget - records
  if budget <= 0 then done.more = 1 end
end

local function did(step, records)
  done[step] = (done[step] or 0) + records
  spend(records)
end

local function due(name)
  return budget > 0 and redis.call('ZRANGE', name, '-inf', text(now), 'BYSCORE', 'LIMIT', 0, budget) or {}
end

-- Moves one task of an index by time. A record that cannot be moved is tried again later and stops no other.
local function try(step, name, id, act)
  local task = read(id)
  if not task then
    redis.call('ZREM', name, id)
  elseif pcall(act, task) then
    did(step, 1)
  else
    if step ~= 'republished' then redis.call('ZADD', name, 'XX', text(now + RETRY_MS), id) end
    did('broken', 1)
  end
end

for _, id in ipairs(due(expiring_key())) do
  local task = read(id)
  if task and OPEN[task.state] and task.state ~= 'running' then
    try('expired', expiring_key(), id, function(waiting) finish_expired(waiting, retention) end)
  else
    redis.call('ZREM', expiring_key(), id)
    budget = budget - 1
  end
end

for _, id in ipairs(due(state_key('scheduled'))) do try('due', state_key('scheduled'), id, enqueue) end

if redis.call('EXISTS', lease_grace_key()) == 0 then
  for _, id in ipairs(due(state_key('running'))) do
    try('lease_expired', state_key('running'), id, function(task) expire_lease(task, retention) end)
  end
end

-- Workers pop a list in the order of its sequence numbers. So a queued task with a lower number than the list's oldest
-- message has no message there: a worker is about to claim the task, or died before. After the grace it is queued again.
-- Returns ids and sequence numbers of such tasks.
local function without_message(queue)
  local oldest = redis.pcall('LINDEX', queue, -1)
  if type(oldest) == 'table' or budget <= 0 then return {} end -- the key holds another program's value
  local seq = oldest and string.match(oldest, '"delivery_tag": ?"' .. queue .. '%-(%d+)"')
  if oldest and not seq then return {} end
  return redis.call('ZRANGE', queued_key(queue), '-inf', seq and '(' .. seq or '+inf', 'BYSCORE',
    'LIMIT', 0, budget, 'WITHSCORES')
end

for at = FIRST_QUEUE, #ARGV do
  local queue = ARGV[at]
  local entries = without_message(queue)
  for entry = 1, #entries, 2 do
    local mark = entries[entry] .. ' ' .. entries[entry + 1]
    local seen = redis.call('ZSCORE', missing_key(), mark)
    if not seen then
      redis.call('ZADD', missing_key(), text(now), mark)
      budget = budget - 1
    elseif now - tonumber(seen) >= tonumber(grace) then
      try('republished', queued_key(queue), entries[entry], function(task)
        count(task, 'republished')
        enqueue(task)
      end)
    end
  end
end
redis.call('ZREMRANGEBYSCORE', missing_key(), '-inf', text(now - 10 * tonumber(grace)))

for _, version in ipairs(redis.call('SMEMBERS', parked_versions_key())) do
  local name = parked_key(version)
  if budget > 0 and redis.call('EXISTS', served_contract_key(version)) == 1 then
    for _, id in ipairs(redis.call('ZRANGE', name, 0, budget - 1)) do try('unparked', name, id, enqueue) end
  end
  if redis.call('EXISTS', name) == 0 then redis.call('SREM', parked_versions_key(), version) end
end

local visited = 0
while budget > 0 and visited < PACKS_PER_SWEEP do
  local batch = redis.call('ZRANGE', batch_steps_key(), 0, 0)[1]
  if not batch then break end
  local packs = math.max(1, (advance_batch(batch, PACKS_PER_SWEEP - visited, retention)))
  visited = visited + packs
  did('stepped', packs)
end
if redis.call('EXISTS', batch_steps_key()) == 1 then done.more = 1 end

local abandoned = redis.call('ZRANGE', staging_key(), '-inf', text(now - STAGED_MS), 'BYSCORE', 'LIMIT', 0, 1)
for _, batch in ipairs(abandoned) do
  local packs = tonumber(redis.call('HGET', staged_key(), batch) or 0)
  local from = math.max(0, packs - math.max(budget, 0))
  for pack = from, packs - 1 do
    local id = batch .. '.' .. pack
    redis.call('DEL', task_key(id), payload_key(id))
  end
  if from == 0 then
    redis.call('ZREM', staging_key(), batch)
    redis.call('HDEL', staged_key(), batch)
  else
    redis.call('HSET', staged_key(), batch, text(from))
  end
  did('discarded', packs - from)
end

for _, state in ipairs(ENDED) do
  local name = state_key(state)
  local old = budget > 0
    and redis.call('ZRANGE', name, '-inf', text(now - tonumber(retention)), 'BYSCORE', 'LIMIT', 0, budget) or {}
  for _, id in ipairs(old) do
    local task = read(id)
    if task and task.batch and not redis.call('HGET', batch_key(task.batch), 'finished') then
      redis.call('ZADD', name, 'XX', text(now), id) -- a pack stays as long as its batch is open
    else
      redis.call('ZREM', name, id)
    end
    did('trimmed', 1)
  end
end

local reply = {}
for name, number in pairs(done) do
  if number > 0 then
    reply[#reply + 1] = name
    reply[#reply + 1] = number
  end
end
return reply
