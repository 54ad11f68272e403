-- Accepts a batch, whole or not at all. Pack number n is the task <id>.<n>; staged packs are the last ones.
--
-- KEYS   none
-- ARGV   the most tasks that may wait in a queue, id, contract, version, queue, priority, client, max attempts, common,
--        digest of the idempotency key, fingerprint, number of items, number of packs,
--        then the payload and the number of items of each pack that was not staged
-- Reply  {status, id, created ms}; status: accepted, replayed, conflict, full, or unstaged when staged packs are gone.
--        A replayed batch's record, as a flat list, follows.
local limit, id, contract, version, queue, priority, client, attempts, common, digest, fingerprint, total, packs =
  unpack(ARGV, 1, 13)
local FIRST_PACK = 14 -- its position in ARGV
local unstaged = (#ARGV - 13) / 2
local staged = unstaged < tonumber(packs)

local function refuse(reply)
  if staged then redis.call('ZADD', staging_key(), 'XX', 0, id) end -- so that the reconciler discards the packs at once
  return reply
end

require_list(queue)
local replay = find_replay(contract, digest, fingerprint)
if replay then return refuse(replay) end
local known = redis.call('HGET', batch_key(id), 'created')
if known then return { 'accepted', id, tonumber(known) } end -- the client repeats a call whose reply was lost
if redis.call('ZCARD', queued_key(queue)) + packs > tonumber(limit) then return refuse({ 'full', id, now }) end
if staged and redis.call('HGET', staged_key(), id) ~= packs then return refuse({ 'unstaged', id, now }) end

redis.call('SET', common_key(id), common)
remember_first_use(digest, fingerprint, id)
redis.call('HSET', batch_key(id), 'contract', contract, 'version', version, 'queue', queue, 'priority', priority,
  'client', client, 'created', text(now), 'total', total, 'open', total, 'queued', total, 'packs', packs)
local shared, first = shared_fields(contract, version, queue, priority, client, attempts), 0
for pack = 0, unstaged - 1 do
  local payload, items = ARGV[FIRST_PACK + 2 * pack], ARGV[FIRST_PACK + 2 * pack + 1]
  enqueue(new_pack(id, pack, shared, first, items, payload))
  first = first + tonumber(items)
end
if staged then
  redis.call('ZREM', staging_key(), id)
  redis.call('HDEL', staged_key(), id)
  plan_step(id, 'release')
  redis.call('HSET', batch_key(id), 'release_next', unstaged)
end
count({ contract = contract }, 'accepted', packs)
return { 'accepted', id, now }
