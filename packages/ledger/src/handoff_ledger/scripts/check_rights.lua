-- Reports what the connected user may do, and changes nothing. Redis refuses this script where it refuses writes.
--
-- KEYS   none
-- ARGV   JSON: [{"commands": [[command, argument, ...], ...], "names": [...], "probe": [command, argument, ...]}, ...]
--        The argument NAME stands for each of the names, which are keys or channels. A group may lack `probe`.
-- Reply  {a row for each group, why Redis refuses to read two keys or ''}. A row is {why Redis refuses the probe or '',
--        a text for each command}. The text has a character for each name: 1 allowed, 0 denied; it is ? for an unknown command.
local function with_name(command, name)
  local args = {}
  for at, value in ipairs(command) do args[at] = value == 'NAME' and name or value end
  return args
end

local function check(command, name)
  local known, allowed = pcall(redis.acl_check_cmd, unpack(with_name(command, name)))
  return known and (allowed and '1' or '0') or '?'
end

local rows = {}
if not redis.acl_check_cmd then return { rows, '' } end -- a server without users
for _, group in ipairs(cjson.decode(ARGV[1])) do
  local row = { '' }
  if group.probe and check(group.probe, group.names[1]) == '0' then
    row[1] = redis.pcall(unpack(with_name(group.probe, group.names[1]))).err
  end
  for _, command in ipairs(group.commands) do
    local answers = {}
    for at, name in ipairs(group.names) do answers[at] = check(command, name) end
    row[#row + 1] = table.concat(answers)
  end
  rows[#rows + 1] = row
end
-- A cluster refuses a script that reads two keys of different slots.
local first, second = redis.pcall('EXISTS', leader_key()), redis.pcall('EXISTS', last_sweep_key())
return { rows, type(first) == 'table' and first.err or type(second) == 'table' and second.err or '' }
