-- `move`, the only function that changes a task's state, and what follows from a change for the batch and the queue.

local function item_count(task) return tonumber(task.items or 1) end

local function open_items(task) return item_count(task) - tonumber(task.done or 0) end

-- Asks the reconciler to visit every pack of a batch. `step`: release, cancel or lifetime, see batch_steps.lua.
local function plan_step(batch, step)
  redis.call('HSET', batch_key(batch), step .. '_next', 0)
  redis.call('ZADD', batch_steps_key(), text(now), batch)
end

-- Subtracts ended items from the batch's open ones. The batch ends with its last open item.
local function close_items(batch, ended)
  if ended == 0 then return end
  local open = redis.call('HINCRBY', batch_key(batch), 'open', -ended)
  if open == 0 then
    redis.call('HSET', batch_key(batch), 'finished', text(now))
    plan_step(batch, 'lifetime')
  end
end

local function move_item_counts(task, from, to)
  local items = open_items(task)
  if items == 0 or from == to then return end -- without an open item, the batch's record may be gone already
  local name = batch_key(task.batch)
  if from then redis.call('HINCRBY', name, from, -items) end
  redis.call('HINCRBY', name, to, items)
end

-- Moves a task to another state and into that state's index, and writes `fields` into its record.
local function move(task, state, score, fields)
  local from = task.state
  if from then redis.call('ZREM', index_of(task), task.id) end
  fields = fields or {}
  fields.state = state
  write(task, fields)
  redis.call('ZADD', index_of(task), text(score), task.id)
  if task.batch then
    move_item_counts(task, from, state)
    notify(task.batch, state)
  end
  notify(task.id, state)
end

-- Raises an error, before the first write, when the queue's key holds another program's value instead of a list.
local function require_list(queue)
  local reply = redis.pcall('LINDEX', queue, -1)
  if type(reply) == 'table' and reply.err then error(reply) end
end

-- Puts a task's message at the end of its queue's list. The delivery tag has the sequence number, which sweep.lua reads.
local function enqueue(task, fields)
  local seq = redis.call('HINCRBY', sequence_key(), task.queue, 1)
  local values = {
    id = task.id, task = task.contract, queue = task.queue, seq = text(seq), retries = tostring(task.attempt or 0),
  }
  redis.call('LPUSH', task.queue, message(values))
  fields = fields or {}
  fields.seq = seq
  move(task, 'queued', seq, fields)
end

-- Sets a task aside until a worker serves its contract version.
local function park(task)
  redis.call('SADD', parked_versions_key(), contract_version(task))
  move(task, 'parked', now)
end
