-- Takes in packs of a batch before the batch itself is accepted: too many for one step. ARGV: batch, the number of the first pack
-- and of its first item, contract, version, queue, priority, client, attempts, then a payload and its count of items for each pack.
-- Nobody sees them yet. The reconciler takes them away when the batch is not accepted soon.
local batch, number, item, contract, version, queue, priority, client, attempts = unpack(ARGV, 1, 9)
local shared = shared_fields(contract, version, queue, priority, client, attempts)
local packs = (#ARGV - 9) / 2
redis.call('ZADD', 'handoff:staging', text(now), batch)
redis.call('HSET', 'handoff:staged', batch, text(number + packs))
local first = tonumber(item)
for pack = 0, packs - 1 do
  local items = ARGV[11 + 2 * pack]
  write(new_pack(batch, text(number + pack), shared, first, items, ARGV[10 + 2 * pack]))
  first = first + tonumber(items)
end
return packs
