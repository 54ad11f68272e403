-- Accepts single tasks. Each one is accepted or refused by itself.
--
-- KEYS   none
-- ARGV   the most tasks that may wait in a queue, or be scheduled; then for each task the values that `accept` names
-- Reply  for each task {status, id, created ms}; status: accepted, replayed, conflict or full.
--        For a replayed task the reply also has its record as a flat list, and its outcome.
local limit = tonumber(ARGV[1])
local VALUES = 12 -- of a task
local QUEUE = 4 -- the queue's position among a task's values
local accepted = {} -- the number of tasks that this script accepted for each contract

-- The values of one task, in the order of Submission.args in calls/accept.py. Delay and expiry are in ms, and '0' means none.
-- They are positional, because decoding one JSON object for each task costs 6 % more of Redis's CPU.
local function accept(id, contract, version, queue, priority, client, attempts, payload, digest, fingerprint, delay, expires)
  local replay = find_replay(contract, digest, fingerprint)
  if replay then return replay end
  local known = redis.call('HGET', task_key(id), 'created')
  if known then return { 'accepted', id, tonumber(known) } end -- the client repeats a call whose reply was lost
  local waiting = delay == '0' and queued_key(queue) or state_key('scheduled')
  if redis.call('ZCARD', waiting) >= limit then return { 'full', id, now } end
  local task = { id = id, contract = contract, queue = queue, version = version }
  local fields = { contract = contract, version = version, queue = queue, client = client, attempts = attempts, created = now }
  if priority ~= '' then fields.priority = priority end
  if expires ~= '0' then
    fields.expires = now + tonumber(expires)
    redis.call('ZADD', expiring_key(), text(fields.expires), id)
  end
  redis.call('SET', payload_key(id), payload)
  remember_first_use(digest, fingerprint, id)
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
for at = 2, #ARGV, VALUES do
  local queue = ARGV[at + QUEUE - 1]
  if not checked[queue] then
    require_list(queue)
    checked[queue] = true
  end
end
local rows = {}
for at = 2, #ARGV, VALUES do rows[#rows + 1] = accept(unpack(ARGV, at, at + VALUES - 1)) end
for contract, number in pairs(accepted) do count({ contract = contract }, 'accepted', number) end
return rows
