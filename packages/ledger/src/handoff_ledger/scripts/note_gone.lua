-- Appends recipients that are gone to a stream that is kept as long as records are.
--
-- KEYS   none
-- ARGV   retention in ms, then channel, recipient and task of each
-- Reply  none
local oldest = text(now - tonumber(ARGV[1]))
for at = 2, #ARGV, 3 do
  local channel, recipient, task = unpack(ARGV, at, at + 2)
  redis.call('XADD', gone_recipients_key(), 'MINID', '~', oldest, '*', 'channel', channel, 'recipient', recipient, 'task', task)
end
