-- Lists recipients that providers report as gone, oldest first.
--
-- KEYS   none
-- ARGV   how many, the earliest time in ms, cursor or ''
-- Reply  entries of the stream
local how_many, since, cursor = unpack(ARGV)
return redis.call('XRANGE', gone_recipients_key(), cursor == '' and since or '(' .. cursor, '+', 'COUNT', how_many)
