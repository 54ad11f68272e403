-- What clients and operators do to a task, and the log of these actions.

-- Ends a waiting task. The worker of a running task learns of the request at its next renewal or record.
local function cancel(task, retention)
  if task.state == 'running' then
    write(task, { cancel = '1' })
    notify(task.id, 'cancel')
  elseif OPEN[task.state] then
    finish_with_error(task, 'cancelled', 'cancelled', 'Cancelled before it ran.', retention)
  end
end

-- Appends an action to a stream that is kept as long as records are. `about`: an id or a filter.
local function log_action(by, action, about, tasks, retention)
  redis.call('XADD', actions_key(), 'MINID', '~', text(now - tonumber(retention)), '*',
    'by', by, 'action', action, 'about', about, 'tasks', tasks)
end

-- Returns outcomes, as JSON, that reopen a pack's dead items; nil when the recorded ones are unreadable.
-- An item's last outcome counts.
local function reopened_outcomes(task)
  local latest, outcomes = {}, {}
  for _, recorded in ipairs(redis.call('LRANGE', items_key(task.id), 0, -1)) do
    local readable, rows = pcall(cjson.decode, recorded)
    if not readable then return nil end
    for _, row in ipairs(rows) do latest[row[1]] = row[2] end
  end
  for index, state in pairs(latest) do
    if state == 'dead' then outcomes[#outcomes + 1] = '[' .. text(index) .. ',"queued",null]' end
  end
  return outcomes
end

local function reopen_items(task, outcomes)
  if #outcomes > 0 then
    redis.call('RPUSH', items_key(task.id), '[' .. table.concat(outcomes, ',') .. ']')
    write(task, { done = tonumber(task.done) - #outcomes, dead = 0 })
  end
end

local function reopen_batch(batch, items)
  set_batch_lifetime(batch, nil)
  redis.call('HINCRBY', batch_key(batch), 'open', items)
  redis.call('HDEL', batch_key(batch), 'finished')
  plan_step(batch, 'lifetime')
end

local REDRIVABLE = { dead = true, failed = true }

-- Queues a dead or failed task again with all of its attempts. Returns false when its outcomes are unreadable.
local function redrive(task)
  require_list(task.queue)
  local outcomes = reopened_outcomes(task)
  if not outcomes then return false end
  set_task_lifetime(task.id, nil)
  redis.call('DEL', outcome_key(task.id), celery_result_key(task.id))
  redis.call('HDEL', task_key(task.id), 'finished', 'error', 'cancel', 'expires')
  task.finished, task.error, task.cancel, task.expires = nil, nil, nil, nil
  if task.batch then
    reopen_items(task, outcomes)
    if open_items(task) > 0 then reopen_batch(task.batch, open_items(task)) end
  end
  write(task, { attempt = 0 })
  count(task, 'redriven')
  enqueue(task)
  return true
end
