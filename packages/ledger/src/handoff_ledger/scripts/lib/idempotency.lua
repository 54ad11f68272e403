-- What an idempotency key stands for.

-- The first use of a key: {verdict, id, created ms, record, outcome}; nil for a key that is new, or whose record is gone.
local function find_replay(contract, key, fingerprint)
  if key == '' then return nil end
  local known, id, created = unpack(redis.call('HMGET', key, 'fingerprint', 'id', 'created'))
  if not known then return nil end
  local record = redis.call('HGETALL', task_key(id))
  if #record == 0 then record = redis.call('HGETALL', batch_key(id)) end
  if #record == 0 then return nil end
  -- WAITAOF waits for what its own connection wrote, so a durable replay has to write something.
  count({ contract = contract }, 'replayed')
  if known ~= fingerprint then return { 'conflict', id, tonumber(created) } end
  return { 'replayed', id, tonumber(created), record, redis.call('GET', 'handoff:outcome:' .. id) }
end

local function remember_use(key, fingerprint, id)
  if key == '' then return end
  redis.call('HSET', key, 'fingerprint', fingerprint, 'id', id, 'created', text(now))
  keep_first_use(key)
end
