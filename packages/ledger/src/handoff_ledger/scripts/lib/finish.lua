-- How a task ends, and what its end leaves for others.

-- The Redis clock as ISO 8601: days since the epoch to a civil date, as in Howard Hinnant's days_from_civil.
local function iso()
  local seconds = math.floor(now / 1000)
  local days, rest = math.floor(seconds / 86400) + 719468, seconds % 86400
  local era = math.floor(days / 146097)
  local doe = days - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d+00:00', year, month, day,
    math.floor(rest / 3600), math.floor(rest % 3600 / 60), rest % 60)
end

-- Celery's own result key, so that a stock AsyncResult sees the end.
local CELERY = { succeeded = 'SUCCESS', cancelled = 'REVOKED', expired = 'REVOKED' }
local function store_celery_result(task, outcome, retention)
  local status = CELERY[task.state] or 'FAILURE'
  local result = string.match(outcome, '^{"result":(.*)}$') or 'null'
  if status ~= 'SUCCESS' then
    local code = cjson.encode(task.error or task.state)
    result = '{"exc_type":"TaskError","exc_message":[' .. code .. '],"exc_module":"handoff_ledger.errors"}'
  end
  local name = 'celery-task-meta-' .. task.id
  local meta = '{"status":"' .. status .. '","result":' .. result .. ',"traceback":null,"children":[],"date_done":"'
    .. iso() .. '","task_id":"' .. task.id .. '"}'
  redis.call('SET', name, meta, 'PX', celery_result_lifetime(retention))
  redis.pcall('PUBLISH', name, meta)
end

-- An ended pack goes with its batch: the step `lifetime` passes it, unless that step has been there already.
local function keep_ended(task, retention)
  if not task.batch then return keep_task(task.id, tonumber(retention)) end
  local packs, finished = unpack(redis.call('HMGET', batch_key(task.batch), 'packs', 'finished'))
  if not packs then return keep_task(task.id, tonumber(retention)) end
  if finished then keep_task(task.id, batch_lifetime(finished, retention)) end
end

-- Ends a task. `outcome` is JSON: {"result":...} or {"error":{"code","message"}}; `code` the error's code.
local function finish(task, state, outcome, code, retention)
  local items = left(task)
  local fields = { finished = now }
  if code ~= '' then fields.error = code end
  redis.call('SET', 'handoff:outcome:' .. task.id, outcome)
  move(task, state, now, fields)
  count(task, state)
  store_celery_result(task, outcome, retention)
  if task.expires then redis.call('ZREM', 'handoff:expiring', task.id) end
  if task.batch and items > 0 then
    count(task, 'item ' .. state, items)
    settle_batch(task.batch, items)
  end
  keep_ended(task, retention)
end

local function fail(code, message) return '{"error":' .. cjson.encode({ code = code, message = message }) .. '}' end

-- A run that ended without a word: the task goes back to its queue, or is dead after its attempts.
local function expire_lease(task, retention)
  if task.cancel then
    finish(task, 'cancelled', fail('cancelled', 'Cancelled while it was running.'), 'cancelled', retention)
  elseif tonumber(task.attempt) >= tonumber(task.attempts) then
    finish(task, 'dead', fail('worker_lost', 'Its worker died in each attempt.'), 'worker_lost', retention)
  else
    require_list(task.queue)
    enqueue(task)
  end
  count(task, 'lapsed')
end

-- The task, if this attempt still holds it.
local function held(id, fence)
  local task = read(id)
  if task and task.state == 'running' and task.fence == fence then return task end
end
