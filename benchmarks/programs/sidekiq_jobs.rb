# Sidekiq: jobs, and how to send them. `sidekiq -r ./sidekiq_jobs.rb` works, `ruby sidekiq_jobs.rb fill|pace|naps …` sends.
require "json"
require "sidekiq"

Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch("BENCH_REDIS_URL") } }
Sidekiq.configure_server { |config| config.redis = { url: ENV.fetch("BENCH_REDIS_URL") } }

STAMPS = File.open(ENV.fetch("BENCH_STAMPS"), File::WRONLY | File::APPEND | File::CREAT, 0o600)
STAMPS.sync = true
PAYLOAD = JSON.parse(ENV.fetch("BENCH_PAYLOAD"))
BATCH = 200

def now_us = Process.clock_gettime(Process::CLOCK_MONOTONIC, :microsecond)

def note(payload) = STAMPS.syswrite("#{payload["number"] || payload["sent_us"] || 0} #{now_us}\n")

class Noop
  include Sidekiq::Job
  def perform(payload); end
end

class Stamp
  include Sidekiq::Job
  def perform(payload) = note(payload)
end

class Nap
  include Sidekiq::Job
  def perform(payload)
    sleep 0.005
    note(payload)
  end
end

def fill(count, every)
  (0..count).each_slice(BATCH) do |numbers|
    numbers.chunk_while { |a, b| (a % every).zero? == (b % every).zero? }.each do |run|
      if (run.first % every).zero?
        run.each { Stamp.perform_async(PAYLOAD.merge("sent_us" => 0)) }
      else
        Sidekiq::Client.push_bulk("class" => Noop, "args" => run.map { [PAYLOAD] })
      end
    end
  end
  count + 1
end

def naps(count)
  (0...count).each { |number| Nap.perform_async(PAYLOAD.merge("number" => number)) }
  count
end

def pace(count, per_second)
  start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  count.times do |number|
    wait = start + number / per_second - Process.clock_gettime(Process::CLOCK_MONOTONIC)
    sleep wait if wait.positive?
    Stamp.perform_async(PAYLOAD.merge("sent_us" => now_us))
  end
  count
end

if $PROGRAM_NAME == __FILE__
  start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  used = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
  jobs = case ARGV[0]
         when "fill" then fill(ARGV[1].to_i, ARGV[2].to_i.zero? ? ARGV[1].to_i + 1 : ARGV[2].to_i)
         when "naps" then naps(ARGV[1].to_i)
         else pace(ARGV[1].to_i, ARGV[2].to_f)
         end
  puts JSON.generate(jobs: jobs, seconds: Process.clock_gettime(Process::CLOCK_MONOTONIC) - start,
                     cpu_s: Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - used)
end
