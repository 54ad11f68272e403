-- How a worker takes a task for an attempt.

-- Starts an attempt at a queued task.
-- Returns {'claimed', id, fence, attempt, max attempts, payload, common or '', {item outcomes so far ...}}.
local function start_attempt(task, owner, lease)
  local fields = { fence = (task.fence or 0) + 1, attempt = (task.attempt or 0) + 1, owner = owner, lease = lease }
  if not task.started then
    fields.started = now
    observe(task, 'start', now - tonumber(task.due or task.created))
  end
  fields.claimed = now
  move(task, 'running', now + tonumber(lease), fields)
  local common = task.batch and redis.call('GET', common_key(task.batch)) or ''
  return {
    'claimed', task.id, tonumber(task.fence), tonumber(task.attempt), tonumber(task.attempts),
    redis.call('GET', payload_key(task.id)), common, redis.call('LRANGE', items_key(task.id), 0, -1),
  }
end

-- Claims the task of the oldest message in the queue of `before`, when contract and version are the same.
-- Returns nil when a message waits in a queue that precedes it in `queues`, and leaves any other message to Celery.
local function claim_next(before, queues)
  for _, queue in ipairs(queues) do
    if queue == before.queue then
      local message = redis.pcall('LINDEX', queue, -1) -- `before` has ended, so no error may stop the script here
      local id = type(message) == 'string' and string.match(message, '"id": ?"([^"]+)"')
      local task = id and read(id)
      if not task or task.state ~= 'queued' or task.queue ~= queue then return nil end
      if task.contract ~= before.contract or task.version ~= before.version then return nil end
      if task.batch and redis.call('HGET', batch_key(task.batch), 'cancel_next') then return nil end
      if task.cancel or task.expires and tonumber(task.expires) <= now then return nil end
      redis.call('RPOP', queue)
      return start_attempt(task, before.owner, before.lease)
    end
    if redis.call('EXISTS', queue) == 1 then return nil end
  end
end
