-- The one way in which a task changes its state.
local function size(task) return tonumber(task.items or 1) end

local function left(task) return size(task) - tonumber(task.done or 0) end

-- Asks the reconciler to go through the packs of a batch, from the first on. `step`: release, cancel or lifetime.
local function plan_step(batch, step)
  redis.call('HSET', batch_key(batch), step .. '_next', 0)
  redis.call('ZADD', 'handoff:batch_steps', text(now), batch)
end

-- Ends the batch when none of its items is open any more.
local function settle_batch(batch, ended)
  if ended == 0 then return end
  local open = redis.call('HINCRBY', batch_key(batch), 'open', -ended)
  if open == 0 then
    redis.call('HSET', batch_key(batch), 'finished', text(now))
    plan_step(batch, 'lifetime')
  end
end

local function recount(task, from, to)
  local items = left(task)
  if items == 0 or from == to then return end -- nothing to count, and the batch may have ended so long ago that its record is gone
  local name = batch_key(task.batch)
  if from then redis.call('HINCRBY', name, from, -items) end
  redis.call('HINCRBY', name, to, items)
end

-- Moves a task to another state and into that state's index.
local function move(task, state, score, fields)
  local from = task.state
  if from then redis.call('ZREM', index_of(task), task.id) end
  fields = fields or {}
  fields.state = state
  write(task, fields)
  redis.call('ZADD', index_of(task), text(score), task.id)
  if task.batch then
    recount(task, from, state)
    notify(task.batch, state)
  end
  notify(task.id, state)
end

-- Raises before anything is written when another program keeps something else than a list under the queue's name.
local function require_list(queue)
  local reply = redis.pcall('LINDEX', queue, -1)
  if type(reply) == 'table' and reply.err then error(reply) end
end

-- Puts a task's message at the end of its queue's list. The delivery tag carries the sequence number, see sweep.lua.
local function enqueue(task, fields)
  local seq = redis.call('HINCRBY', 'handoff:seq', task.queue, 1)
  local values = {
    id = task.id, task = task.contract, queue = task.queue, seq = text(seq), retries = tostring(task.attempt or 0),
  }
  redis.call('LPUSH', task.queue, message(values))
  fields = fields or {}
  fields.seq = seq
  move(task, 'queued', seq, fields)
end
