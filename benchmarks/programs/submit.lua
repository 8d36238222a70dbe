-- wrk: POST the body of a file to one address, and print what was measured as one line of JSON.
local body = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
wrk.method = "POST"
wrk.body = body:read("*a")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = os.getenv("BENCH_AUTHORIZATION")
body:close()

local limit = tonumber(os.getenv("BENCH_REQUESTS") or "0")
if limit > 0 then
  local sent, prepared = 0, nil
  function request()
    prepared = prepared or wrk.format()
    sent = sent + 1
    -- wrk itself only ends by time, or by SIGINT as from Ctrl-C: it then reports the time that it really took.
    -- In the background, since os.execute() ignores the signal for as long as it waits.
    if sent == limit then
      os.execute("(sleep 0.01; kill -INT " .. assert(io.open("/proc/self/stat")):read("*n") .. ") &")
    end
    return prepared
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "max_ms": %.4f, ' ..
    '"refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
