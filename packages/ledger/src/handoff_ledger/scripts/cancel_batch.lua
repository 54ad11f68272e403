-- Cancels every open pack of a batch. ARGV: id, by whom, retention in ms. Replies how many were open, or -1 for no batch.
local packs = tonumber(redis.call('HGET', 'handoff:batch:' .. ARGV[1], 'packs'))
if not packs then return -1 end
local open = 0
for pack = 0, packs - 1 do
  local task = read(ARGV[1] .. '.' .. pack)
  if task and OPEN[task.state] then
    open = open + 1
    cancel(task, ARGV[3])
  end
end
if open > 0 then log_action(ARGV[2], 'cancel', ARGV[1], open, ARGV[3]) end
return open
