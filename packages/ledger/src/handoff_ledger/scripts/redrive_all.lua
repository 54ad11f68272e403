-- Queues a page of ended tasks again, the oldest first.
--
-- KEYS   none
-- ARGV   by whom, retention in ms, state, contract or '', error code or '', ended from and until in ms,
--        cursor (<ended ms>|<id>) or '', the most entries to read
-- Reply  {redriven tasks, cursor of the next page or ''}. A task that stays keeps its rank, so the cursor is the last that stayed.
local by, retention, state, contract, code, from, till, cursor, most = unpack(ARGV)
local name, redriven, stayed = state_key(state), 0, cursor
local score, id = string.match(cursor, '^(%d+)|(.*)$')
local rank = id and redis.call('ZRANK', name, id)
local start = rank and rank + 1 or redis.call('ZCOUNT', name, '-inf', '(' .. (score or from))
local page = redis.call('ZRANGE', name, start, start + most - 1, 'WITHSCORES')
local more = #page == 2 * tonumber(most)
for at = 1, #page, 2 do
  if tonumber(page[at + 1]) > tonumber(till) then more = false; break end
  local task = read(page[at])
  if task and (contract == '' or task.contract == contract) and (code == '' or task.error == code) and redrive(task) then
    redriven = redriven + 1
  else
    stayed = page[at + 1] .. '|' .. page[at]
  end
end
if redriven > 0 then
  log_action(by, 'redrive', string.format('state=%s contract=%s code=%s', state, contract, code), redriven, retention)
end
return { redriven, more and (stayed ~= '' and stayed or from .. '|') or '' }
