-- How a task ends: its outcome, Celery's result, the batch's counts and the record's lifetime.

-- Returns Redis's clock as ISO 8601. The date follows days_from_civil by Howard Hinnant.
local function iso_now()
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

-- Stores the result as Celery does, so that a stock AsyncResult reads it.
local CELERY_STATUS = { succeeded = 'SUCCESS', cancelled = 'REVOKED', expired = 'REVOKED' }
local function store_celery_result(task, outcome, retention)
  local status = CELERY_STATUS[task.state] or 'FAILURE'
  local result = string.match(outcome, '^{"result":(.*)}$') or 'null'
  if status ~= 'SUCCESS' then
    local code = cjson.encode(task.error or task.state)
    result = '{"exc_type":"TaskError","exc_message":[' .. code .. '],"exc_module":"handoff_ledger.errors"}'
  end
  local name = celery_result_key(task.id)
  local meta = '{"status":"' .. status .. '","result":' .. result .. ',"traceback":null,"children":[],"date_done":"'
    .. iso_now() .. '","task_id":"' .. task.id .. '"}'
  redis.call('SET', name, meta, 'PX', celery_result_lifetime(retention))
  redis.pcall('PUBLISH', name, meta)
end

-- Sets the lifetime of an ended task. The step `lifetime` does it for a pack, unless that step has passed the pack already.
local function expire_ended(task, retention)
  if not task.batch then return set_task_lifetime(task.id, tonumber(retention)) end
  local packs, finished = unpack(redis.call('HMGET', batch_key(task.batch), 'packs', 'finished'))
  if not packs then return set_task_lifetime(task.id, tonumber(retention)) end
  if finished then set_task_lifetime(task.id, batch_lifetime(finished, retention)) end
end

-- Ends a task. `outcome` is JSON, {"result":...} or {"error":{"code","message"}}; `code` is the error's code or ''.
local function finish(task, state, outcome, code, retention)
  local items = open_items(task)
  local fields = { finished = now }
  if code ~= '' then fields.error = code end
  redis.call('SET', outcome_key(task.id), outcome)
  move(task, state, now, fields)
  count(task, state)
  store_celery_result(task, outcome, retention)
  if task.expires then redis.call('ZREM', expiring_key(), task.id) end
  if task.batch and items > 0 then
    count(task, 'item ' .. state, items)
    close_items(task.batch, items)
  end
  expire_ended(task, retention)
end

-- Ends a task with an error that the ledger itself states.
local function finish_with_error(task, state, code, message, retention)
  finish(task, state, '{"error":' .. cjson.encode({ code = code, message = message }) .. '}', code, retention)
end

local function finish_cancelled(task, retention)
  finish_with_error(task, 'cancelled', 'cancelled', 'Cancelled while it was running.', retention)
end

local function finish_expired(task, retention)
  finish_with_error(task, 'expired', 'expired', 'It waited longer than it was wanted.', retention)
end

-- Handles a run whose lease expired: queues the task again, or ends it when its attempts are used up.
local function expire_lease(task, retention)
  if task.cancel then
    finish_cancelled(task, retention)
  elseif tonumber(task.attempt) >= tonumber(task.attempts) then
    finish_with_error(task, 'dead', 'worker_lost', 'Its worker died in each attempt.', retention)
  else
    require_list(task.queue)
    enqueue(task)
  end
  count(task, 'lapsed')
end

-- Returns the task while the attempt with this fence has its lease, else nil.
local function read_attempt(id, fence)
  local task = read(id)
  if task and task.state == 'running' and task.fence == fence then return task end
end
