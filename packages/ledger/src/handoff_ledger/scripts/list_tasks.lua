-- Lists tasks, newest first in each state. ARGV: how many, state or '', contract or '', batch or '', cursor or '', queues ...
-- The cursor is <place>|<score>|<id>: the index the last page ended in and the last entry it looked at.
-- Replies {next cursor or '', {id, record, outcome}, ...}. One call looks at 500 entries at most.
local want, state, contract, batch, cursor = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local LOOK = 500
local looked, found, last = 0, {}, ''

local function consider(id, place, score)
  looked = looked + 1
  last = place .. '|' .. score .. '|' .. id
  local task = read(id)
  if not task then return end
  if state ~= '' and task.state ~= state or contract ~= '' and task.contract ~= contract then return end
  found[#found + 1] = { id, redis.call('HGETALL', task_key(id)), redis.call('GET', 'handoff:outcome:' .. id) }
end

local function full() return #found >= want or looked >= LOOK end

local function walk_batch()
  local packs = tonumber(redis.call('HGET', 'handoff:batch:' .. batch, 'packs') or 0)
  local from = tonumber(string.match(cursor, '^batch|(%d+)|')) or -1
  for pack = from + 1, packs - 1 do
    if full() then return true end
    consider(batch .. '.' .. pack, 'batch', pack)
  end
end

-- In an order that holds from page to page, with the one the last page ended in, which may be empty by now.
local function parked()
  local seen, names = {}, {}
  local function add(name) if name and not seen[name] then seen[name] = true; names[#names + 1] = name end end
  add(string.match(cursor, '^(handoff:parked:[^|]+)|'))
  for _, parking in ipairs(redis.call('SMEMBERS', 'handoff:parkings')) do add('handoff:parked:' .. parking) end
  table.sort(names)
  return names
end

local function indexes()
  local names = {}
  local function add(of, name) if state == '' or state == of then names[#names + 1] = name end end
  add('running', 'handoff:running')
  for at = 6, #ARGV do add('queued', 'handoff:queued:' .. ARGV[at]) end
  add('scheduled', 'handoff:scheduled')
  for _, name in ipairs(parked()) do add('parked', name) end
  for _, ended in ipairs(ENDED) do add(ended, 'handoff:' .. ended) end
  return names
end

-- The rank of the first entry behind the cursor's, newest first. The cursor's entry may have left the index by now.
local function rank_behind(name, score, id)
  local low, high = 0, redis.call('ZCARD', name)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('ZRANGE', name, middle, middle, 'REV', 'WITHSCORES')
    local there = tonumber(entry[2])
    if there > score or there == score and entry[1] >= id then low = middle + 1 else high = middle end
  end
  return low
end

local function walk(name, rank)
  while true do
    local page = redis.call('ZRANGE', name, rank, rank + 99, 'REV', 'WITHSCORES')
    if #page == 0 then return end
    for at = 1, #page, 2 do
      if full() then return true end
      consider(page[at], name, page[at + 1])
    end
    rank = rank + 100
  end
end

local more
if batch ~= '' then
  more = walk_batch()
else
  local place, score, after = string.match(cursor, '^(.-)|(.-)|(.*)$')
  local reached = place == nil
  for _, name in ipairs(indexes()) do
    local here = name == place
    reached = reached or here
    if reached and walk(name, here and rank_behind(name, tonumber(score), after) or 0) then more = true; break end
  end
end
return { more and last or '', unpack(found) }
