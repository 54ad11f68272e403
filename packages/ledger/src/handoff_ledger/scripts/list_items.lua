-- Reads the packs that hold a page of a batch's items, from 100 packs at most.
--
-- KEYS   none
-- ARGV   batch, first pack, the number of items, state or '': only packs with an item in this state
-- Reply  {number of packs, the pack at which the next page starts, {pack, record, payload, outcome, item outcomes} ...};
--        false for no such batch
local batch, first, want, state = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local MAX_PACKS = 100
local packs = tonumber(redis.call('HGET', batch_key(batch), 'packs'))
if not packs then return false end
local rows, items = { packs, first }, 0
for pack = first, math.min(packs, first + MAX_PACKS) - 1 do
  if items >= want then break end
  rows[2] = pack + 1
  local task = read(batch .. '.' .. pack)
  if task then
    local matching = item_count(task)
    if state ~= '' then matching = tonumber(task[state] or 0) + (task.state == state and open_items(task) or 0) end
    if matching > 0 then
      items = items + matching
      rows[#rows + 1] = {
        pack, redis.call('HGETALL', task_key(task.id)), redis.call('GET', payload_key(task.id)),
        redis.call('GET', outcome_key(task.id)), redis.call('LRANGE', items_key(task.id), 0, -1),
      }
    end
  end
end
return rows
