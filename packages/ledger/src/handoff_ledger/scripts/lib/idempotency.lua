-- What an idempotency key stands for. `digest` identifies the client's key; '' for a request without one.

-- Returns the reply for a key that was used before: {status, id, created ms, record, outcome}.
-- Returns nil when the key is new, or when the record that it stands for is gone.
local function find_replay(contract, digest, fingerprint)
  if digest == '' then return nil end
  local known, id, created = unpack(redis.call('HMGET', idempotency_key(digest), 'fingerprint', 'id', 'created'))
  if not known then return nil end
  local record = redis.call('HGETALL', task_key(id))
  if #record == 0 then record = redis.call('HGETALL', batch_key(id)) end
  if #record == 0 then return nil end
  -- WAITAOF waits for writes of its own connection, so a durable replay has to write something.
  count({ contract = contract }, 'replayed')
  if known ~= fingerprint then return { 'conflict', id, tonumber(created) } end
  return { 'replayed', id, tonumber(created), record, redis.call('GET', outcome_key(id)) }
end

local function remember_first_use(digest, fingerprint, id)
  if digest == '' then return end
  local key = idempotency_key(digest)
  redis.call('HSET', key, 'fingerprint', fingerprint, 'id', id, 'created', text(now))
  set_idempotency_lifetime(key)
end
