-- Work on all packs of a batch, a part at a time, so that no script occupies Redis for a large batch.
--
-- Steps: `release` queues packs that were staged, `cancel` cancels them, `lifetime` sets their expiry.
-- The batch's record keeps the number of the pack at which each step continues: release_next, cancel_next, lifetime_next.
local STEPS = { 'release', 'cancel', 'lifetime' }

-- Queues a pack that was accepted without a message.
local function release_pack(task)
  if task.state == 'queued' and not task.seq then enqueue(task) end
end

local cancelled = 0 -- packs that this script cancelled, or asked to stop
local function cancel_pack(task, retention)
  if not OPEN[task.state] then return end
  cancelled = cancelled + 1
  redis.call('HINCRBY', batch_key(task.batch), 'cancel_count', 1)
  cancel(task, retention)
end

local function end_step(batch, step, retention)
  local name = batch_key(batch)
  redis.call('HDEL', name, step .. '_next')
  local finished, by, number = unpack(redis.call('HMGET', name, 'finished', 'cancel_by', 'cancel_count'))
  if step == 'lifetime' then set_batch_lifetime(batch, batch_lifetime(finished, retention)) end
  if step == 'cancel' then
    redis.call('HDEL', name, 'cancel_by', 'cancel_count')
    if number then log_action(by, 'cancel', batch, number, retention) end
  end
end

-- Visits `most` packs at most. Returns how many it visited, and whether all steps of the batch are done.
local function advance_batch(batch, most, retention)
  local name, used = batch_key(batch), 0
  for _, step in ipairs(STEPS) do
    local packs, next, finished = unpack(redis.call('HMGET', name, 'packs', step .. '_next', 'finished'))
    if next then
      local from, till = tonumber(next), math.min(tonumber(packs), tonumber(next) + most - used)
      for pack = from, till - 1 do
        local task = read(batch .. '.' .. pack)
        if not task then -- its record has expired
        elseif step == 'release' then release_pack(task)
        elseif step == 'cancel' then cancel_pack(task, retention)
        else set_task_lifetime(task.id, batch_lifetime(finished, retention)) end
      end
      used = used + till - from
      if till < tonumber(packs) then
        redis.call('HSET', name, step .. '_next', till)
        return used, false
      end
      end_step(batch, step, retention)
    end
  end
  redis.call('ZREM', batch_steps_key(), batch)
  return used, true
end
