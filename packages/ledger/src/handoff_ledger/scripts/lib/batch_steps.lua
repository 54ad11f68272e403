-- What takes many packs of a batch, done some at a time: no script holds Redis up for a batch of any size.
--
-- The batch's record has the number of the pack that each step goes on from: release_next, cancel_next, lifetime_next.

-- A pack that was accepted and has no message yet.
local function release(task)
  if task.state == 'queued' and not task.seq then enqueue(task) end
end

local cancelled = 0 -- packs that this script cancelled, or asked to stop
local function cancel_pack(task, retention)
  if not OPEN[task.state] then return end
  cancelled = cancelled + 1
  redis.call('HINCRBY', batch_key(task.batch), 'cancel_count', 1)
  cancel(task, retention)
end

local STEPS = { 'release', 'cancel', 'lifetime' }

local function end_step(batch, step, retention)
  local name = batch_key(batch)
  redis.call('HDEL', name, step .. '_next')
  local finished, by, number = unpack(redis.call('HMGET', name, 'finished', 'cancel_by', 'cancel_count'))
  if step == 'lifetime' then keep_batch(batch, batch_lifetime(finished, retention)) end
  if step == 'cancel' then
    redis.call('HDEL', name, 'cancel_by', 'cancel_count')
    if number then log_action(by, 'cancel', batch, number, retention) end
  end
end

-- Goes through `most` packs at the most. Gives how many, and whether nothing is left to do for the batch.
local function advance(batch, most, retention)
  local name, used = batch_key(batch), 0
  for _, step in ipairs(STEPS) do
    local packs, next, finished = unpack(redis.call('HMGET', name, 'packs', step .. '_next', 'finished'))
    if next then
      local from, till = tonumber(next), math.min(tonumber(packs), tonumber(next) + most - used)
      for pack = from, till - 1 do
        local task = read(batch .. '.' .. pack)
        if not task then -- nothing of it is left
        elseif step == 'release' then release(task)
        elseif step == 'cancel' then cancel_pack(task, retention)
        else keep_task(task.id, batch_lifetime(finished, retention)) end
      end
      used = used + till - from
      if till < tonumber(packs) then
        redis.call('HSET', name, step .. '_next', till)
        return used, false
      end
      end_step(batch, step, retention)
    end
  end
  redis.call('ZREM', 'handoff:batch_steps', batch)
  return used, true
end
