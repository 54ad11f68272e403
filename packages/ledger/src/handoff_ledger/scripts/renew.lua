-- Renews the leases of running tasks.
--
-- KEYS   none
-- ARGV   owner, ids ...
-- Reply  the ids of tasks that are to stop
local owner = ARGV[1]
local to_stop = {}
for at = 2, #ARGV do
  local task = read(ARGV[at])
  if task and task.state == 'running' and task.owner == owner then
    redis.call('ZADD', state_key('running'), 'XX', text(now + tonumber(task.lease)), task.id)
    if task.cancel then to_stop[#to_stop + 1] = task.id end
  end
end
return to_stop
