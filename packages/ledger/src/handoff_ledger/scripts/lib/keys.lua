-- Every Redis key and channel of the ledger, one function each. handoff_ledger/keys.py has the same functions for Python.
-- Scripts get no KEYS, because a key follows from records that the script reads: Redis Cluster is not supported.
-- A script receives only the lines of this file that it calls, so each function is one line. Times are in ms.
-- A contract version is written as <contract>:<version>.

-- Tasks
local function task_key(id) return 'handoff:task:' .. id end -- hash: the record, small fields only, so that it stays a listpack
local function payload_key(id) return 'handoff:payload:' .. id end -- string: JSON; for a pack, a JSON array of items
local function outcome_key(id) return 'handoff:outcome:' .. id end -- string: JSON, {"result":...} or {"error":...}
local function items_key(id) return 'handoff:items:' .. id end -- list: a pack's outcomes, JSON arrays of [index, state, result or error]
local function idempotency_key(digest) return 'handoff:key:' .. digest end -- hash: fingerprint, id and created time of the first use
local function celery_result_key(id) return 'celery-task-meta-' .. id end -- string and channel: the result as Celery stores it

-- Batches
local function batch_key(id) return 'handoff:batch:' .. id end -- hash: total, packs and the number of items in each state
local function common_key(id) return 'handoff:common:' .. id end -- string: JSON, the fields that all items share
local function batch_steps_key() return 'handoff:batch_steps' end -- zset: batches that need the reconciler, by the time of the request
local function staging_key() return 'handoff:staging' end -- zset: batches with packs that precede acceptance, by the last pack's arrival
local function staged_key() return 'handoff:staged' end -- hash: the number of packs that each of those batches has

-- Indexes of tasks by state
local function queued_key(queue) return 'handoff:queued:' .. queue end -- zset: ids by the sequence number of their message
local function parked_key(contract_version) return 'handoff:parked:' .. contract_version end -- zset: ids by the time of parking
local function parked_versions_key() return 'handoff:parkings' end -- set: the contract versions with parked tasks
local function state_key(state) return 'handoff:' .. state end -- zset: ids; running by lease end, scheduled by due time, ended by end
local function expiring_key() return 'handoff:expiring' end -- zset: ids of tasks that may expire, by that time
local function missing_key() return 'handoff:missing' end -- zset: '<id> <sequence number>' of absent messages, by when the sweep saw it
local function sequence_key() return 'handoff:seq' end -- hash: the last sequence number of each queue

-- Workers and the reconciler
local function served_contract_key(contract_version) return 'handoff:serves:' .. contract_version end -- string: a worker, while one is live
local function served_queue_key(queue) return 'handoff:serving:' .. queue end -- string: a worker that takes from the queue, while one is live
local function worker_key(owner) return 'handoff:worker:' .. owner end -- string: the time of a live worker's last announcement
local function leader_key() return 'handoff:leader' end -- string: the owner that may sweep
local function last_sweep_key() return 'handoff:swept' end -- string: the time of the last sweep
local function lease_grace_key() return 'handoff:amnesty' end -- string: exists while ended leases may still be renewed

-- Channels, statistics and history
local function holds_key() return 'handoff:holds' end -- zset: '<reason> <channel>' by the end of the hold
local function pace_key(channel) return 'handoff:pace:' .. channel end -- string: the time, in us, up to which permits are given out
local function gone_recipients_key() return 'handoff:gone' end -- stream: recipients that providers report as gone
local function actions_key() return 'handoff:actions' end -- stream: what clients and operators cancelled and redrove
local function stats_key() return 'handoff:stats' end -- hash: counters, '<contract> <event>'
local function events_key(id) return 'handoff:events:' .. id end -- channel: each new state of a task or a batch
