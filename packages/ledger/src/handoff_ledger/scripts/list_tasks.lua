-- Lists tasks, newest first in each state, and reads 500 entries at most.
--
-- KEYS   none
-- ARGV   how many, state or '', contract or '', batch or '', cursor or '', queues ...
-- Reply  {cursor of the next page or '', {id, record, outcome}, ...}
--        A cursor is <index>|<score>|<id>: the index in which the page ended, and the last entry that was read.
local want, state, contract, batch, cursor = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local MAX_READ = 500
local PAGE = 100
local looked, found, last = 0, {}, ''

local function consider(id, place, score)
  looked = looked + 1
  last = place .. '|' .. score .. '|' .. id
  local task = read(id)
  if not task then return end
  if state ~= '' and task.state ~= state or contract ~= '' and task.contract ~= contract then return end
  found[#found + 1] = { id, redis.call('HGETALL', task_key(id)), redis.call('GET', outcome_key(id)) }
end

local function full() return #found >= want or looked >= MAX_READ end

-- The walks return true when they stop at a full page.
local function walk_batch()
  local packs = tonumber(redis.call('HGET', batch_key(batch), 'packs') or 0)
  local from = tonumber(string.match(cursor, '^batch|(%d+)|')) or -1
  for pack = from + 1, packs - 1 do
    if full() then return true end
    consider(batch .. '.' .. pack, 'batch', pack)
  end
end

-- Returns the indexes of parked tasks in an order that is the same for each page. The cursor's index may be empty by now.
local function parked_indexes()
  local seen, names = {}, {}
  local function add(name) if not seen[name] then seen[name] = true; names[#names + 1] = name end end
  local place = string.match(cursor, '^(.-)|')
  local prefix = parked_key('')
  if place and string.sub(place, 1, #prefix) == prefix then add(place) end
  for _, version in ipairs(redis.call('SMEMBERS', parked_versions_key())) do add(parked_key(version)) end
  table.sort(names)
  return names
end

local function indexes()
  local names = {}
  local function add(of, name) if state == '' or state == of then names[#names + 1] = name end end
  add('running', state_key('running'))
  for at = 6, #ARGV do add('queued', queued_key(ARGV[at])) end
  add('scheduled', state_key('scheduled'))
  for _, name in ipairs(parked_indexes()) do add('parked', name) end
  for _, ended in ipairs(ENDED) do add(ended, state_key(ended)) end
  return names
end

-- Returns the rank of the first entry after the cursor's, newest first. The cursor's entry may have left the index by now.
local function rank_after(name, score, id)
  local low, high = 0, redis.call('ZCARD', name)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('ZRANGE', name, middle, middle, 'REV', 'WITHSCORES')
    local found_score = tonumber(entry[2])
    if found_score > score or found_score == score and entry[1] >= id then low = middle + 1 else high = middle end
  end
  return low
end

local function walk_index(name, rank)
  while true do
    local page = redis.call('ZRANGE', name, rank, rank + PAGE - 1, 'REV', 'WITHSCORES')
    if #page == 0 then return end
    for at = 1, #page, 2 do
      if full() then return true end
      consider(page[at], name, page[at + 1])
    end
    rank = rank + PAGE
  end
end

local more
if batch ~= '' then
  more = walk_batch()
else
  local place, score, after = string.match(cursor, '^(.-)|(.-)|(.*)$')
  local reached = place == nil
  for _, name in ipairs(indexes()) do
    local resumed = name == place
    reached = reached or resumed
    if reached and walk_index(name, resumed and rank_after(name, tonumber(score), after) or 0) then more = true; break end
  end
end
return { more and last or '', unpack(found) }
