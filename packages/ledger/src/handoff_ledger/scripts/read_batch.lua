-- Reads a batch.
--
-- KEYS   none
-- ARGV   id
-- Reply  the record as a flat list, empty for no such batch
return redis.call('HGETALL', batch_key(ARGV[1]))
