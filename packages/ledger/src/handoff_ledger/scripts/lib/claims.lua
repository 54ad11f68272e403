-- How a worker comes to a task.

-- Takes a queued task for one attempt.
-- Gives {'claimed', id, fence, attempt, attempts, payload, common or '', {outcomes of items so far ...}}.
local function take(task, owner, lease)
  local fields = { fence = (task.fence or 0) + 1, attempt = (task.attempt or 0) + 1, owner = owner, lease = lease }
  if not task.started then
    fields.started = now
    observe(task, 'start', now - tonumber(task.due or task.created))
  end
  fields.claimed = now
  move(task, 'running', now + tonumber(lease), fields)
  local common = task.batch and redis.call('GET', 'handoff:common:' .. task.batch) or ''
  return {
    'claimed', task.id, tonumber(task.fence), tonumber(task.attempt), tonumber(task.attempts),
    redis.call('GET', 'handoff:payload:' .. task.id), common, redis.call('LRANGE', 'handoff:items:' .. task.id, 0, -1),
  }
end

-- Takes the task of the oldest message, if it can follow `before`: one of its queue, contract and version, and no message
-- waits in those of the worker's `queues` that come first. Whatever else lies there is left for Celery.
local function take_after(before, queues)
  for _, queue in ipairs(queues) do
    if queue == before.queue then
      local message = redis.pcall('LINDEX', queue, -1) -- no error may stop the script: the last task has ended above
      local id = type(message) == 'string' and string.match(message, '"id": ?"([^"]+)"')
      local task = id and read(id)
      if not task or task.state ~= 'queued' or task.queue ~= queue then return nil end
      if task.contract ~= before.contract or task.version ~= before.version then return nil end
      if task.batch and redis.call('HGET', batch_key(task.batch), 'cancel_next') then return nil end
      if task.cancel or task.expires and tonumber(task.expires) <= now then return nil end
      redis.call('RPOP', queue)
      return take(task, before.owner, before.lease)
    end
    if redis.call('EXISTS', queue) == 1 then return nil end
  end
end
