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

-- Opens the items of a pack again that ended dead: a later outcome stands for an earlier one.
local function reopen_items(task)
  local latest, open = {}, {}
  for _, chunk in ipairs(redis.call('LRANGE', 'handoff:items:' .. task.id, 0, -1)) do
    for _, outcome in ipairs(cjson.decode(chunk)) do latest[outcome[1]] = outcome[2] end
  end
  for at, state in pairs(latest) do
    if state == 'dead' then open[#open + 1] = '[' .. text(at) .. ',"queued",null]' end
  end
  if #open > 0 then
    redis.call('RPUSH', 'handoff:items:' .. task.id, '[' .. table.concat(open, ',') .. ']')
    write(task, { done = tonumber(task.done) - #open, dead = 0 })
  end
end

local function reopen_batch(batch, items)
  local name = 'handoff:batch:' .. batch
  redis.call('PERSIST', name)
  redis.call('PERSIST', 'handoff:common:' .. batch)
  redis.call('HINCRBY', name, 'open', items)
  redis.call('HDEL', name, 'finished')
end

local REDRIVABLE = { dead = true, failed = true }

-- Queues an ended task again, with all its attempts before it.
local function redrive(task)
  for _, kind in ipairs({ 'task:', 'payload:', 'items:' }) do redis.call('PERSIST', 'handoff:' .. kind .. task.id) end
  redis.call('DEL', 'handoff:outcome:' .. task.id, 'celery-task-meta-' .. task.id)
  redis.call('HDEL', task_key(task.id), 'finished', 'error', 'cancel', 'expires')
  task.finished, task.error, task.cancel, task.expires = nil, nil, nil, nil
  if task.batch then
    reopen_items(task)
    if left(task) > 0 then reopen_batch(task.batch, left(task)) end
  end
  write(task, { attempt = 0 })
  count(task, 'redriven')
  enqueue(task)
end
