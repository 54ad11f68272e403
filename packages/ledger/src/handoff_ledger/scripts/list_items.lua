-- Reads packs of a batch for a list of its items. ARGV: batch, first pack, how many items are wanted, state or ''.
-- Replies false for no batch, else {packs of the batch, {number, record, payload, outcomes ...}, ...}.
-- With a state, packs that have no such item are left out; 100 packs are looked at, at most.
local batch, first, want, state = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local packs = tonumber(redis.call('HGET', 'handoff:batch:' .. batch, 'packs'))
if not packs then return false end
local rows, items = { packs, first }, 0
for pack = first, math.min(packs, first + 100) - 1 do
  if items >= want then break end
  rows[2] = pack + 1
  local task = read(batch .. '.' .. pack)
  if task then
    local here = size(task)
    if state ~= '' then here = tonumber(task[state] or 0) + (task.state == state and left(task) or 0) end
    if here > 0 then
      items = items + here
      rows[#rows + 1] = {
        pack, redis.call('HGETALL', task_key(task.id)), redis.call('GET', 'handoff:payload:' .. task.id),
        redis.call('GET', 'handoff:outcome:' .. task.id), redis.call('LRANGE', 'handoff:items:' .. task.id, 0, -1),
      }
    end
  end
end
return rows
