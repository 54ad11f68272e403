-- Sets a queued task aside until a worker knows its contract and version. ARGV: id. Replies the state it has now, or unknown.
local task = read(ARGV[1])
if not task then return 'unknown' end
if task.state == 'queued' then
  redis.call('SADD', 'handoff:parkings', task.contract .. ':' .. task.version)
  move(task, 'parked', now)
end
return task.state
