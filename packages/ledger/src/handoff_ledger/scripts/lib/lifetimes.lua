-- How long Redis keeps the keys of a task or a batch. Only this file sets or removes an expiry of a record.
--
-- open task            no expiry
-- ended task           the retention, from its end
-- pack of a batch      as long as its batch, whenever the pack ended
-- batch                no expiry while an item is open, then the retention, from the end of its last item; set after
--                      that of its packs, so that no pack outlives its batch
-- idempotency key      one day from its first use; a key whose record is gone counts as new
-- Celery's result      one day, Celery's default, but no longer than the record
local DAY_MS = 86400000

-- Sets the expiry of keys; nil removes it.
local function set_lifetime(ms, ...)
  for _, name in ipairs({ ... }) do
    if ms then redis.call('PEXPIRE', name, math.max(1, ms)) else redis.call('PERSIST', name) end
  end
end

local function set_task_lifetime(id, ms) set_lifetime(ms, task_key(id), payload_key(id), outcome_key(id), items_key(id)) end

local function set_batch_lifetime(batch, ms) set_lifetime(ms, batch_key(batch), common_key(batch)) end

-- Returns the rest of a batch's retention in ms, nil while the batch is open.
local function batch_lifetime(finished, retention) return finished and tonumber(finished) + retention - now end

local function set_idempotency_lifetime(key) set_lifetime(DAY_MS, key) end

local function celery_result_lifetime(retention) return math.min(DAY_MS, tonumber(retention)) end
