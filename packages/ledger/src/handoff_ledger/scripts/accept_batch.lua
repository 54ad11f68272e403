-- Accepts a batch. ARGV: the queue's limit, an idempotency key's life in ms, id, contract, version, queue, priority, client,
-- attempts, common, key, fingerprint, total, then a payload and its count of items for each pack.
-- Replies {verdict, id, created ms}. Pack number n is the task <id>.<n>.
local limit, key_life, id, contract, version, queue, priority, client, attempts, common, key, fingerprint, total =
  unpack(ARGV, 1, 13)
local packs = (#ARGV - 13) / 2

if key ~= '' then
  local known = redis.call('HMGET', key, 'fingerprint', 'id', 'created')
  if known[1] then
    redis.call('PEXPIRE', key, key_life) -- see accept.lua
    return { known[1] == fingerprint and 'replayed' or 'conflict', known[2], tonumber(known[3]) }
  end
end
local known = redis.call('HGET', 'handoff:batch:' .. id, 'created')
if known then return { 'accepted', id, tonumber(known) } end -- the reply of a first call was lost on its way
if redis.call('ZCARD', 'handoff:queued:' .. queue) + packs > tonumber(limit) then return { 'full', id, now } end

redis.call('HSET', 'handoff:batch:' .. id, 'contract', contract, 'version', version, 'queue', queue, 'priority', priority,
  'client', client, 'created', text(now), 'total', total, 'open', total, 'packs', packs)
redis.call('SET', 'handoff:common:' .. id, common)
local first = 0
for pack = 0, packs - 1 do
  local task = { id = id .. '.' .. pack, contract = contract, queue = queue }
  redis.call('SET', 'handoff:payload:' .. task.id, ARGV[14 + 2 * pack])
  local fields = {
    contract = contract, version = version, queue = queue, client = client, attempts = attempts, created = now,
    batch = id, items = ARGV[15 + 2 * pack], first = first,
  }
  first = first + tonumber(fields.items)
  if priority ~= '' then fields.priority = priority end
  enqueue(task, fields)
  count(task, 'accepted')
end
if key ~= '' then
  redis.call('HSET', key, 'fingerprint', fingerprint, 'id', id, 'created', text(now))
  redis.call('PEXPIRE', key, key_life)
end
return { 'accepted', id, now }
