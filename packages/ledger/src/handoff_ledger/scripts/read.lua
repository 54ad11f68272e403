-- Reads a task. ARGV: id. Replies {record as a flat list, outcome or nil}, or nil.
local record = redis.call('HGETALL', task_key(ARGV[1]))
if #record == 0 then return false end
return { record, redis.call('GET', 'handoff:outcome:' .. ARGV[1]) }
