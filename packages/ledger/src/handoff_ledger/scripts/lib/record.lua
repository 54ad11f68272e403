-- Redis's clock, and how scripts read and write a record, count events and notify watchers.
local OPEN = { scheduled = true, queued = true, parked = true, running = true }
local ENDED = { 'dead', 'failed', 'cancelled', 'expired', 'succeeded' }

-- A script refuses to start when its user lacks a right, so that it cannot stop between two writes. See scripts/__init__.py.
if lacking then return redis.error_reply('NOPERM Handoff needs the right to ' .. lacking) end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- Lua would write a large number as 1e+15.
local function text(number) return string.format('%d', number) end

-- Returns the task as a table of strings, nil when there is no such record.
local function read(id)
  local flat = redis.call('HGETALL', task_key(id))
  if #flat == 0 then return nil end
  local task = { id = id }
  for at = 1, #flat, 2 do task[flat[at]] = flat[at + 1] end
  return task
end

-- Writes fields into the record, and into `task`.
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

local function contract_version(task) return task.contract .. ':' .. task.version end

-- Returns the key of the index that a task in this state belongs to.
local function index_of(task)
  if task.state == 'queued' then return queued_key(task.queue) end
  if task.state == 'parked' then return parked_key(contract_version(task)) end
  return state_key(task.state)
end

-- A failed notice stops no script, because watchers also read the record every few seconds.
local function notify(id, state) redis.pcall('PUBLISH', events_key(id), state) end

local function count(task, event, number) redis.call('HINCRBY', stats_key(), task.contract .. ' ' .. event, number or 1) end

-- Adds a duration to a histogram: one counter for each bucket (its upper bound in ms, or inf), and the sum.
local BUCKETS = { 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000 }
local function observe(task, event, ms)
  local bucket = 'inf'
  for _, bound in ipairs(BUCKETS) do
    if ms <= bound then bucket = bound; break end
  end
  count(task, event .. ' ' .. bucket)
  count(task, event .. ' sum', text(ms))
end
