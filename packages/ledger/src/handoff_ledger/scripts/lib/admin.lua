-- What clients and operators do to a task, and the record of it.

-- Ends a task that waits; the one that runs is told at its next renewal or record.
local function cancel(task, retention)
  if task.state == 'running' then
    write(task, { cancel = '1' })
    notify(task.id, 'cancel')
  elseif OPEN[task.state] then
    finish(task, 'cancelled', fail('cancelled', 'Cancelled before it ran.'), 'cancelled', retention)
  end
end

-- What a client or an operator did, for those who ask later: a stream, kept as long as the records.
local function log_action(who, what, about, tasks, retention)
  redis.call('XADD', 'handoff:actions', 'MINID', '~', text(now - tonumber(retention)), '*',
    'by', who, 'action', what, 'about', about, 'tasks', tasks)
end

-- The places of a pack's items that ended dead; a later outcome stands for an earlier one. nil: they can't be read.
local function dead_items(task)
  local latest, dead = {}, {}
  for _, chunk in ipairs(redis.call('LRANGE', 'handoff:items:' .. task.id, 0, -1)) do
    local readable, outcomes = pcall(cjson.decode, chunk)
    if not readable then return nil end
    for _, outcome in ipairs(outcomes) do latest[outcome[1]] = outcome[2] end
  end
  for at, state in pairs(latest) do
    if state == 'dead' then dead[#dead + 1] = '[' .. text(at) .. ',"queued",null]' end
  end
  return dead
end

local function reopen_items(task, dead)
  if #dead > 0 then
    redis.call('RPUSH', 'handoff:items:' .. task.id, '[' .. table.concat(dead, ',') .. ']')
    write(task, { done = tonumber(task.done) - #dead, dead = 0 })
  end
end

local function reopen_batch(batch, items)
  keep_batch(batch, nil)
  redis.call('HINCRBY', batch_key(batch), 'open', items)
  redis.call('HDEL', batch_key(batch), 'finished')
  plan_step(batch, 'lifetime')
end

local REDRIVABLE = { dead = true, failed = true }

-- Queues an ended task again, with all its attempts before it. Gives whether it could be done.
local function redrive(task)
  require_list(task.queue)
  local dead = dead_items(task)
  if not dead then return false end
  keep_task(task.id, nil)
  redis.call('DEL', 'handoff:outcome:' .. task.id, 'celery-task-meta-' .. task.id)
  redis.call('HDEL', task_key(task.id), 'finished', 'error', 'cancel', 'expires')
  task.finished, task.error, task.cancel, task.expires = nil, nil, nil, nil
  if task.batch then
    reopen_items(task, dead)
    if left(task) > 0 then reopen_batch(task.batch, left(task)) end
  end
  write(task, { attempt = 0 })
  count(task, 'redriven')
  enqueue(task)
  return true
end
