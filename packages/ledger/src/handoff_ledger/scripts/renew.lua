-- Renews the leases of running tasks. ARGV: owner, ids ...
-- Replies the ids whose cancellation was asked for.
local asked = {}
for at = 2, #ARGV do
  local task = read(ARGV[at])
  if task and task.state == 'running' and task.owner == ARGV[1] then
    redis.call('ZADD', 'handoff:running', 'XX', text(now + tonumber(task.lease)), task.id)
    if task.cancel then asked[#asked + 1] = task.id end
  end
end
return asked
