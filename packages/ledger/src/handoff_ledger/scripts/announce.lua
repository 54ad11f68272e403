-- A worker says what it serves. ARGV: owner, life in ms, contracts as <name>:<version> ..., '', queues ...
local life, what = ARGV[2], 'handoff:serves:'
for at = 3, #ARGV do
  if ARGV[at] == '' then what = 'handoff:serving:' else redis.call('SET', what .. ARGV[at], ARGV[1], 'PX', life) end
end
return redis.call('SET', 'handoff:worker:' .. ARGV[1], text(now), 'PX', life)
