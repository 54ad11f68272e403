-- The packs of a batch, as the scripts that accept them write them.

-- Writes a pack's payload. Returns the pack, and the fields of its record, which the caller writes.
local function new_pack(batch, number, shared, first, items, payload)
  local task = { id = batch .. '.' .. number, contract = shared.contract, queue = shared.queue, batch = batch, items = items }
  redis.call('SET', payload_key(task.id), payload)
  local fields = { created = now, batch = batch, first = first, items = items }
  for name, value in pairs(shared) do fields[name] = value end
  -- The batch's record counts the items of a new pack as queued already.
  task.state, fields.state = 'queued', 'queued'
  return task, fields
end

-- Returns the fields that all packs of a batch share.
local function shared_fields(contract, version, queue, priority, client, attempts)
  local fields = { contract = contract, version = version, queue = queue, client = client, attempts = attempts }
  if priority ~= '' then fields.priority = priority end
  return fields
end
