-- Reads a task.
--
-- KEYS   none
-- ARGV   id
-- Reply  {record as a flat list, outcome or nil}; false for no such task
local id = ARGV[1]
local record = redis.call('HGETALL', task_key(id))
if #record == 0 then return false end
return { record, redis.call('GET', outcome_key(id)) }
