# Sidekiq with redpoll at $REDIS_URL.
#
# sidekiq -r ./sidekiq_program.rb   runs the jobs
# ruby sidekiq_program.rb           pushes them, and prints what became of them

require "sidekiq"
require "sidekiq/api"

Redis.silence_deprecations = true if Redis.respond_to?(:silence_deprecations=)
url = ENV.fetch("REDIS_URL")
Sidekiq.configure_server do |config|
  config.redis = { url: url }
  config.options[:average_scheduled_poll_interval] = 0.2 if config.respond_to?(:options)
end
Sidekiq.configure_client { |config| config.redis = { url: url } }

class Double
  include Sidekiq::Worker

  def perform(number)
    Sidekiq.redis { |redis| redis.hset("doubled", number, number * 2) }
  end
end

class Flaky
  include Sidekiq::Worker
  sidekiq_options retry: 3

  def perform
    tries = Sidekiq.redis { |redis| redis.incr("tries") }
    raise "not yet" if tries < 3
  end
end

class Fails
  include Sidekiq::Worker
  sidekiq_options retry: 0

  def perform
    raise "no"
  end
end

class Low
  include Sidekiq::Worker
  sidekiq_options queue: "low"

  def perform(word)
    Sidekiq.redis { |redis| redis.rpush("low", word) }
  end
end

def wait(what)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 40
  until yield
    abort "waited too long for #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
    sleep 0.05
  end
end

if $PROGRAM_NAME == __FILE__
  50.times { |number| Double.perform_async(number) }
  Sidekiq::Client.push_bulk("class" => Double, "args" => (50...100).map { |number| [number] })
  wait("the doubled") { Sidekiq.redis { |redis| redis.hlen("doubled") } == 100 }
  sums = Sidekiq.redis { |redis| redis.hgetall("doubled") }
  puts "doubled #{sums.all? { |number, double| double.to_i == number.to_i * 2 }}"

  began = Time.now
  Double.perform_in(1, 1000)
  puts "scheduled #{Sidekiq::ScheduledSet.new.size}"
  wait("the scheduled") { Sidekiq.redis { |redis| redis.hexists("doubled", 1000) } }
  puts "later #{Time.now - began >= 0.9}"

  Flaky.perform_async
  # Sidekiq waits for 15 seconds and more before it tries again: we ask for it.
  wait("the flaky") do
    Sidekiq::RetrySet.new.retry_all
    Sidekiq.redis { |redis| redis.get("tries") } == "3"
  end
  wait("the end of it") { Sidekiq::RetrySet.new.size.zero? }
  puts "tries 3"

  Fails.perform_async
  wait("the failed") { Sidekiq::Stats.new.failed >= 3 }
  puts "failed #{Sidekiq::Stats.new.failed}"

  3.times { |number| Low.perform_async("w#{number}") }
  wait("the low") { Sidekiq.redis { |redis| redis.llen("low") } == 3 }
  puts "low #{Sidekiq.redis { |redis| redis.lrange('low', 0, -1) }.sort}"

  wait("the statistics") { Sidekiq::Stats.new.processed >= 108 }
  puts "processes #{Sidekiq::ProcessSet.new.size} queues #{Sidekiq::Queue.all.map(&:name).sort}"
  Sidekiq::ProcessSet.new.each(&:stop!)
end
