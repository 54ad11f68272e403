-- How long Redis keeps what belongs to a task or a batch. Every expiry of a record is set or taken away here.
--
-- open task            no expiry
-- ended task           the retention, counted from its end
-- pack of a batch      as long as its batch, whenever the pack itself ended
-- batch                no expiry while an item is open, then the retention, counted from the end of its last item;
--                      set after that of its packs, so that no pack stays behind
-- idempotency key      a day from its first use; scripts take a key whose record is gone for a new key
-- Celery's result      a day, as Celery keeps results by default, and never longer than the record
local DAY_MS = 86400000

-- Keeps the keys for `ms`, or without an end when `ms` is nil.
local function keep(ms, ...)
  for _, name in ipairs({ ... }) do
    if ms then redis.call('PEXPIRE', name, math.max(1, ms)) else redis.call('PERSIST', name) end
  end
end

local function keep_task(id, ms)
  keep(ms, task_key(id), 'handoff:payload:' .. id, 'handoff:outcome:' .. id, 'handoff:items:' .. id)
end

local function keep_batch(batch, ms) keep(ms, batch_key(batch), 'handoff:common:' .. batch) end

-- What is left of the retention of a batch; nil while the batch is open.
local function batch_lifetime(finished, retention) return finished and tonumber(finished) + retention - now end

local function keep_first_use(key) keep(DAY_MS, key) end

local function celery_result_lifetime(retention) return math.min(DAY_MS, tonumber(retention)) end
