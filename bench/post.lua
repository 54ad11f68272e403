-- wrk's side of a POST: `wrk ... -s post.lua URL -- BODY [keys]`. Its last line of output is JSON; times in ms.
-- With `keys` each request has an Idempotency-Key of its own.
local keys = false
local sent = 0

function init(args)
  wrk.method = 'POST'
  wrk.body = args[1]
  wrk.headers['Content-Type'] = 'application/json'
  keys = args[2] == 'keys'
end

local run = os.time()
function request()
  if not keys then return wrk.format() end
  sent = sent + 1
  wrk.headers['Idempotency-Key'] = run .. '-' .. sent
  return wrk.format()
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format('\n{"rate": %f, "p50": %f, "p99": %f, "refused": %d, "failed": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
