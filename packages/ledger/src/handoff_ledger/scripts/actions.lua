-- Lists actions of clients and operators, newest first.
--
-- KEYS   none
-- ARGV   how many, cursor or ''
-- Reply  entries of the stream
local how_many, cursor = ARGV[1], ARGV[2]
return redis.call('XREVRANGE', actions_key(), cursor == '' and '+' or '(' .. cursor, '-', 'COUNT', how_many)
