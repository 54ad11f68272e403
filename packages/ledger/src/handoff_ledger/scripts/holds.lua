-- Lists channels on hold, 500 at most.
--
-- KEYS   none
-- ARGV   none
-- Reply  for each channel {channel, reason, ms left}
local rows = {}
local found = redis.call('ZRANGE', holds_key(), text(now), '+inf', 'BYSCORE', 'LIMIT', 0, 500, 'WITHSCORES')
for at = 1, #found, 2 do
  local reason, channel = string.match(found[at], '^(%S+) (.+)$')
  rows[#rows + 1] = { channel, reason, tonumber(found[at + 1]) - now }
end
return rows
