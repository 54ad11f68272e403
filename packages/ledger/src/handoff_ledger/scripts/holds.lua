-- The channels that are held, 500 at most. Replies {channel, why, ms left} each.
local rows = {}
local found = redis.call('ZRANGE', 'handoff:holds', text(now), '+inf', 'BYSCORE', 'LIMIT', 0, 500, 'WITHSCORES')
for at = 1, #found, 2 do
  local why, channel = string.match(found[at], '^(%S+) (.+)$')
  rows[#rows + 1] = { channel, why, tonumber(found[at + 1]) - now }
end
return rows
