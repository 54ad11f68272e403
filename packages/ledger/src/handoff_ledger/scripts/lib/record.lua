-- Where things are, and how a record is read and written.
--
-- handoff:task:<id>       hash    the record: small fields only, so that it stays a listpack
-- handoff:payload:<id>    string  the payload as JSON; for a pack a JSON array of items
-- handoff:outcome:<id>    string  {"result":...} or {"error":...} as JSON, once there is one
-- handoff:items:<id>      list    a pack's outcomes: JSON arrays of [index, state, result or error]
-- handoff:batch:<id>      hash    total, packs, and the count of items in each state
-- handoff:common:<id>     string  the fields that all items of a batch share, as JSON
-- handoff:batch_steps     zset    batches that the reconciler has more to do for, by when that was asked for, ms
-- handoff:staging         zset    batches whose packs are here before the batch is accepted, by when the last came, ms
-- handoff:staged          hash    how many packs of each of them are here
-- handoff:queued:<queue>  zset    id by the sequence number of its message in the broker's list
-- handoff:running         zset    id by the end of its lease, ms
-- handoff:scheduled       zset    id by when it is due, ms
-- handoff:parked:<contract>:<version>, handoff:<ended state>   zset    id by when it came there, ms
local OPEN = { scheduled = true, queued = true, parked = true, running = true }
local ENDED = { 'dead', 'failed', 'cancelled', 'expired', 'succeeded' }

-- No script stops between two of its writes for want of a right. scripts/__init__.py writes what sets `lacking`.
if lacking then return redis.error_reply('NOPERM Handoff needs the right to ' .. lacking) end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function text(number) return string.format('%d', number) end

local function task_key(id) return 'handoff:task:' .. id end

local function batch_key(id) return 'handoff:batch:' .. id end

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

-- Nobody depends on a notice: who waits reads the record again after some seconds. So a notice stops no script.
local function notify(id, state) redis.pcall('PUBLISH', 'handoff:events:' .. id, state) end

local function count(task, what, number) redis.call('HINCRBY', 'handoff:stats', task.contract .. ' ' .. what, number or 1) end

-- A histogram: the count of each bucket (upper bound in ms, or inf) and the sum of all.
local BUCKETS = { 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000 }
local function observe(task, what, ms)
  local bucket = 'inf'
  for _, bound in ipairs(BUCKETS) do
    if ms <= bound then bucket = bound; break end
  end
  count(task, what .. ' ' .. bucket)
  count(task, what .. ' sum', text(ms))
end
