-- Accepts single tasks. ARGV: the queues' limit, then 12 values a task.
-- Replies a row a task: {verdict, id, created ms}; verdict: accepted, replayed, conflict or full. A replayed one has its record
-- as a flat list and its outcome behind it.
local limit = tonumber(ARGV[1])
local accepted = {} -- how many of each contract

local function accept(id, contract, version, queue, priority, client, attempts, payload, key, fingerprint, delay, expires)
  local replay = find_replay(contract, key, fingerprint)
  if replay then return replay end
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
  remember_use(key, fingerprint, id)
  if delay == '0' then
    enqueue(task, fields)
  else
    fields.due = now + tonumber(delay)
    move(task, 'scheduled', fields.due, fields)
  end
  accepted[contract] = (accepted[contract] or 0) + 1
  return { 'accepted', id, now }
end

local checked = {}
for at = 5, #ARGV, 12 do
  local queue = ARGV[at]
  if not checked[queue] then
    require_list(queue)
    checked[queue] = true
  end
end
local rows = {}
for at = 2, #ARGV, 12 do rows[#rows + 1] = accept(unpack(ARGV, at, at + 11)) end
for contract, number in pairs(accepted) do count({ contract = contract }, 'accepted', number) end
return rows
