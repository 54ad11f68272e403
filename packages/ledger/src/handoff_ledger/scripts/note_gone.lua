-- Recipients that are gone, for clients to read: a stream, kept as long as the records. ARGV: retention in ms, then channel,
-- recipient and task of each.
for at = 2, #ARGV, 3 do
  redis.call('XADD', 'handoff:gone', 'MINID', '~', text(now - tonumber(ARGV[1])), '*',
    'channel', ARGV[at], 'recipient', ARGV[at + 1], 'task', ARGV[at + 2])
end
