-- Records for a while what a live worker serves.
--
-- KEYS   none
-- ARGV   owner, lifetime in ms, contract versions ..., '', queues ...
-- Reply  OK
local owner, lifetime, served_key = ARGV[1], ARGV[2], served_contract_key
for at = 3, #ARGV do
  if ARGV[at] == '' then
    served_key = served_queue_key
  else
    redis.call('SET', served_key(ARGV[at]), owner, 'PX', lifetime)
  end
end
return redis.call('SET', worker_key(owner), text(now), 'PX', lifetime)
