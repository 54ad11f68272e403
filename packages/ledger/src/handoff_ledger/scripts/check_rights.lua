-- Asks what the connected user may do. Redis refuses this script where it refuses writes.
-- ARGV: JSON {{commands = {{command, argument ...} ...}, names = {name ...}, probe = {command, argument ...} or nil} ...}.
-- The argument NAME stands for each of the names, which are keys or channels. A probe changes nothing.
-- Replies {a row a group, why a read of two keys is refused or ''}. A row is {why the probe is refused or '', a text a command}:
-- a 1 or a 0 for each name, ? for a command that Redis does not know.
local function with(command, name)
  local args = {}
  for at, value in ipairs(command) do args[at] = value == 'NAME' and name or value end
  return args
end

local function may(command, name)
  local known, allowed = pcall(redis.acl_check_cmd, unpack(with(command, name)))
  return known and (allowed and '1' or '0') or '?'
end

local rows = {}
if not redis.acl_check_cmd then return { rows, '' } end -- a server without users
for _, group in ipairs(cjson.decode(ARGV[1])) do
  local row = { '' }
  if group.probe and may(group.probe, group.names[1]) == '0' then
    row[1] = redis.pcall(unpack(with(group.probe, group.names[1]))).err
  end
  for _, command in ipairs(group.commands) do
    local answers = {}
    for at, name in ipairs(group.names) do answers[at] = may(command, name) end
    row[#row + 1] = table.concat(answers)
  end
  rows[#rows + 1] = row
end
-- A cluster refuses two keys of different slots.
local first, second = redis.pcall('EXISTS', 'handoff:leader'), redis.pcall('EXISTS', 'handoff:swept')
return { rows, type(first) == 'table' and first.err or type(second) == 'table' and second.err or '' }
