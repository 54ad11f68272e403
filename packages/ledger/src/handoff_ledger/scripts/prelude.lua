-- Shared by every script: names, the record's accessors and the one way in which a task changes its state.
--
-- handoff:task:<id>       hash    the record: small fields only, so that it stays a listpack
-- handoff:payload:<id>    string  the payload as JSON; for a pack a JSON array of items
-- handoff:outcome:<id>    string  {"result":...} or {"error":...} as JSON, once there is one
-- handoff:items:<id>      list    a pack's outcomes: JSON arrays of [index, state, result or error]
-- handoff:batch:<id>      hash    total, packs, and the count of items in each state
-- handoff:common:<id>     string  the fields that all items of a batch share, as JSON
-- handoff:queued:<queue>  zset    id by the sequence number of its message in the broker's list
-- handoff:running         zset    id by the end of its lease, ms
-- handoff:scheduled       zset    id by when it is due, ms
-- handoff:parked:<contract>:<version>, handoff:<ended state>   zset    id by when it came there, ms
local CACHE = 86400000
local OPEN = { scheduled = true, queued = true, parked = true, running = true }
local ENDED = { 'dead', 'failed', 'cancelled', 'expired', 'succeeded' }

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function text(number) return string.format('%d', number) end

local function task_key(id) return 'handoff:task:' .. id end

local function read(id)
  local flat = redis.call('HGETALL', task_key(id))
  if #flat == 0 then return nil end
  local task = { id = id }
  for at = 1, #flat, 2 do task[flat[at]] = flat[at + 1] end
  return task
end

local function write(task, fields)
  local flat = {}
  for name, value in pairs(fields) do
    if type(value) == 'number' then value = text(value) end
    task[name] = value
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  redis.call('HSET', task_key(task.id), unpack(flat))
end

local function index_of(task)
  if task.state == 'queued' then return 'handoff:queued:' .. task.queue end
  if task.state == 'parked' then return 'handoff:parked:' .. task.contract .. ':' .. task.version end
  return 'handoff:' .. task.state
end

local function notify(id, state) redis.call('PUBLISH', 'handoff:events:' .. id, state) end

local function count(task, what) redis.call('HINCRBY', 'handoff:stats', task.contract .. ' ' .. what, 1) end

-- A histogram: the count of each bucket (upper bound in ms, or inf) and the sum of all.
local BUCKETS = { 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000 }
local function observe(task, what, ms)
  local bucket = 'inf'
  for _, bound in ipairs(BUCKETS) do
    if ms <= bound then bucket = bound; break end
  end
  count(task, what .. ' ' .. bucket)
  redis.call('HINCRBY', 'handoff:stats', task.contract .. ' ' .. what .. ' sum', text(ms))
end

local function size(task) return tonumber(task.items or 1) end

local function left(task) return size(task) - tonumber(task.done or 0) end

local function keep(retention, ...)
  for _, name in ipairs({ ... }) do redis.call('PEXPIRE', name, retention) end
end

-- Ends the batch when none of its items is open any more.
local function settle_batch(batch, ended, retention)
  if ended == 0 then return end
  local name = 'handoff:batch:' .. batch
  local open = redis.call('HINCRBY', name, 'open', -ended)
  if open == 0 then
    redis.call('HSET', name, 'finished', text(now))
    keep(retention, name, 'handoff:common:' .. batch)
  end
end

local function recount(task, from, to)
  local items = left(task)
  local name = 'handoff:batch:' .. task.batch
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

-- Puts a task's message at the end of its queue's list. The delivery tag carries the sequence number, see sweep.lua.
local function enqueue(task)
  local seq = redis.call('HINCRBY', 'handoff:seq', task.queue, 1)
  local values = {
    id = task.id, task = task.contract, queue = task.queue, seq = text(seq), retries = tostring(task.attempt or 0),
  }
  redis.call('LPUSH', task.queue, (string.gsub(MESSAGE, '@(%l+)@', values)))
  move(task, 'queued', seq, { seq = seq })
end

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
local function store_celery_result(task, outcome)
  local status = CELERY[task.state] or 'FAILURE'
  local result = string.match(outcome, '^{"result":(.*)}$') or 'null'
  if status ~= 'SUCCESS' then
    local code = cjson.encode(task.error or task.state)
    result = '{"exc_type":"TaskError","exc_message":[' .. code .. '],"exc_module":"handoff_ledger.errors"}'
  end
  local name = 'celery-task-meta-' .. task.id
  local meta = '{"status":"' .. status .. '","result":' .. result .. ',"traceback":null,"children":[],"date_done":"'
    .. iso() .. '","task_id":"' .. task.id .. '"}'
  redis.call('SET', name, meta, 'PX', CACHE)
  redis.call('PUBLISH', name, meta)
end

-- Ends a task. `outcome` is JSON: {"result":...} or {"error":{"code","message"}}; `code` the error's code.
local function finish(task, state, outcome, code, retention)
  local items = left(task)
  local fields = { finished = now }
  if code ~= '' then fields.error = code end
  redis.call('SET', 'handoff:outcome:' .. task.id, outcome)
  move(task, state, now, fields)
  count(task, state)
  store_celery_result(task, outcome)
  keep(retention, task_key(task.id), 'handoff:payload:' .. task.id, 'handoff:outcome:' .. task.id, 'handoff:items:' .. task.id)
  if task.expires then redis.call('ZREM', 'handoff:expiring', task.id) end
  if task.batch and items > 0 then
    redis.call('HINCRBY', 'handoff:stats', task.contract .. ' item ' .. state, items)
    settle_batch(task.batch, items, retention)
  end
end

local function fail(code, message) return '{"error":' .. cjson.encode({ code = code, message = message }) .. '}' end

-- A run that ended without a word: the task goes back to its queue, or is dead after its attempts.
local function lapse(task, retention)
  count(task, 'lapsed')
  if task.cancel then
    finish(task, 'cancelled', fail('cancelled', 'Cancelled while it was running.'), 'cancelled', retention)
  elseif tonumber(task.attempt) >= tonumber(task.attempts) then
    finish(task, 'dead', fail('worker_lost', 'Its worker died in each attempt.'), 'worker_lost', retention)
  else
    enqueue(task)
  end
end

-- The task, if this attempt still holds it.
local function held(id, fence)
  local task = read(id)
  if task and task.state == 'running' and task.fence == fence then return task end
end

-- Ends a task that waits; the one that runs is told at its next renewal or record.
local function cancel(task, retention)
  if task.state == 'running' then
    write(task, { cancel = '1' })
  elseif OPEN[task.state] then
    finish(task, 'cancelled', fail('cancelled', 'Cancelled before it ran.'), 'cancelled', retention)
  end
end
