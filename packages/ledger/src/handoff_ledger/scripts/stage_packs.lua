-- Stores packs of a batch that is too large for one call, before accept_batch accepts it. Readers do not see them yet.
-- The reconciler discards them when the batch is not accepted within ten minutes.
--
-- KEYS   none
-- ARGV   batch, number of the first pack, index of its first item, contract, version, queue, priority, client,
--        max attempts, then the payload and the number of items of each pack
-- Reply  the number of packs
local batch, number, item, contract, version, queue, priority, client, attempts = unpack(ARGV, 1, 9)
local FIRST_PACK = 10 -- its position in ARGV
local shared = shared_fields(contract, version, queue, priority, client, attempts)
local packs = (#ARGV - 9) / 2
redis.call('ZADD', staging_key(), text(now), batch)
redis.call('HSET', staged_key(), batch, text(number + packs))
local first = tonumber(item)
for pack = 0, packs - 1 do
  local payload, items = ARGV[FIRST_PACK + 2 * pack], ARGV[FIRST_PACK + 2 * pack + 1]
  write(new_pack(batch, text(number + pack), shared, first, items, payload))
  first = first + tonumber(items)
end
return packs
