-- Accepts single tasks. ARGV: the queues' limit, an idempotency key's life in ms, then 12 values a task.
-- Replies a row a task: {verdict, id, created ms}; verdict: accepted, replayed, conflict or full.
local limit, key_life = tonumber(ARGV[1]), ARGV[2]
local accepted = {} -- how many of each contract

local function accept(id, contract, version, queue, priority, client, attempts, payload, key, fingerprint, delay, expires)
  if key ~= '' then
    local known = redis.call('HMGET', key, 'fingerprint', 'id', 'created')
    if known[1] then
      redis.call('PEXPIRE', key, key_life) -- WAITAOF waits for a connection's own writes: without one a replay were never durable
      return { known[1] == fingerprint and 'replayed' or 'conflict', known[2], tonumber(known[3]) }
    end
  end
  local known = redis.call('HGET', task_key(id), 'created')
  if known then return { 'accepted', id, tonumber(known) } end -- the reply of a first call was lost on its way
  local waiting = delay == '0' and 'handoff:queued:' .. queue or 'handoff:scheduled'
  if redis.call('ZCARD', waiting) >= limit then return { 'full', id, now } end
  local task = { id = id, contract = contract, queue = queue, version = version }
  local fields = { contract = contract, version = version, queue = queue, client = client, attempts = attempts, created = now }
  if priority ~= '' then fields.priority = priority end
  if expires ~= '0' then
    fields.expires = now + tonumber(expires)
    redis.call('ZADD', 'handoff:expiring', text(fields.expires), id)
  end
  redis.call('SET', 'handoff:payload:' .. id, payload)
  if delay == '0' then
    enqueue(task, fields)
  else
    fields.due = now + tonumber(delay)
    move(task, 'scheduled', fields.due, fields)
  end
  if key ~= '' then
    redis.call('HSET', key, 'fingerprint', fingerprint, 'id', id, 'created', text(now))
    redis.call('PEXPIRE', key, key_life)
  end
  accepted[contract] = (accepted[contract] or 0) + 1
  return { 'accepted', id, now }
end

local rows = {}
for at = 3, #ARGV, 12 do rows[#rows + 1] = accept(unpack(ARGV, at, at + 11)) end
for contract, number in pairs(accepted) do count({ contract = contract }, 'accepted', number) end
return rows
