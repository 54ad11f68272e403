-- Accepts a batch, whole or not at all. ARGV: the queue's limit, id, contract, version, queue, priority, client, attempts, common,
-- key, fingerprint, total, how many packs it has, then a payload and its count of items for each pack that was not staged.
-- Replies {verdict, id, created ms}: accepted, replayed, conflict, full, or unstaged when packs that were staged are gone. A replayed
-- one has its record as a flat list behind it. Pack number n is the task <id>.<n>; the staged ones are the last.
local limit, id, contract, version, queue, priority, client, attempts, common, key, fingerprint, total, packs = unpack(ARGV, 1, 13)
local here = (#ARGV - 13) / 2
local staged = here < tonumber(packs)

local function refuse(reply)
  if staged then redis.call('ZADD', 'handoff:staging', 'XX', 0, id) end -- the reconciler takes the packs away at once
  return reply
end

require_list(queue)
local replay = find_replay(contract, key, fingerprint)
if replay then return refuse(replay) end
local known = redis.call('HGET', batch_key(id), 'created')
if known then return { 'accepted', id, tonumber(known) } end -- the reply of a first call was lost on its way
if redis.call('ZCARD', 'handoff:queued:' .. queue) + packs > tonumber(limit) then return refuse({ 'full', id, now }) end
if staged and redis.call('HGET', 'handoff:staged', id) ~= packs then return refuse({ 'unstaged', id, now }) end

redis.call('SET', 'handoff:common:' .. id, common)
remember_use(key, fingerprint, id)
redis.call('HSET', batch_key(id), 'contract', contract, 'version', version, 'queue', queue, 'priority', priority,
  'client', client, 'created', text(now), 'total', total, 'open', total, 'queued', total, 'packs', packs)
local shared, first = shared_fields(contract, version, queue, priority, client, attempts), 0
for pack = 0, here - 1 do
  local items = ARGV[15 + 2 * pack]
  enqueue(new_pack(id, pack, shared, first, items, ARGV[14 + 2 * pack]))
  first = first + tonumber(items)
end
if staged then
  redis.call('ZREM', 'handoff:staging', id)
  redis.call('HDEL', 'handoff:staged', id)
  plan_step(id, 'release')
  redis.call('HSET', batch_key(id), 'release_next', here)
end
count({ contract = contract }, 'accepted', packs)
return { 'accepted', id, now }
