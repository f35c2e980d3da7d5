#!/bin/bash
# hecated (alerts only, exactly once) against the pass-through that forwards everything in the same
# transactions: same broker, same topic, same commit interval, in the order A B B A so that what the
# machine does meanwhile meets both alike. A round whose two runs of one kind differ by more than
# half is thrown out.
#
#   daemon.sh [ROUNDS [EVENTS [all|core]]]    default 5 rounds of A B B A over 1 000 000 events
#
# all: the shipped features. core: 24 of them, the handbook's fifteen and what says most of log-ins,
# changes, devices and places, for the cost of the engine without a large schema's: of these alone
# 0.35 of the pass-through is asked.
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/../integration/daemon_lib.sh"
need kcat curl python3
rounds=${1:-5} wanted=${2:-1000000} set=${3:-all}
if [ "$set" = core ]; then
    core='amount|weekend|night|user_(count|mean_amount)_(1|7|30)d|terminal_(count|risk)_(1|7|30)d'
    core="$core|user_login_failed_(5m|1h|24h)|user_since_(secret|email|device)_change"
    core="$core|user_device_new|user_distance_km|user_speed_kmh"
    features=$scratch/features.conf
    grep -v '^feature ' "$source/conf/features.conf" >"$features"
    grep -E "^feature ($core) " "$source/conf/features.conf" >>"$features"
fi
start_broker
start_redis
make_bank 200 40
"$hecate" gen --users $((wanted / 75)) --days 45 --seed 3 --out "$scratch/made" 2>/dev/null
head -n "$wanted" "$scratch/made" >"$events"
rm "$scratch/made"
total=$(wc -l <"$events")
echo "$(grep -c '^feature ' "$features") features, $total events of $(($(stat -c %s "$events") / total)) bytes, 4 partitions"
make_topics 4
"$support/broker.sh" topic "$scratch/broker" copies 4
produce "$events"
rm "$events"

daemon_once() {
    "$support/redis.sh" cli "$scratch/redis" FLUSHALL >/dev/null
    cat >"$scratch/hecate.conf" <<-END
	hecate { instance = bench$1 }
	kafka { bootstrap.servers = "$broker" }
	input { topic = events group = bench$1 }
	output { alert_topic = alerts dead_letter_topic = dead commit_interval_ms = 50 }
	state { redis_address = "unix:$redis" cache_mib = 1024 }
	features { schema_file = "$features" }
	model { file = "$model" }
	admin { listen = "127.0.0.1:0" }
	END
    start_daemon
    until grep -q event=listening "$scratch/log"; do sleep 0.02; done
    http=$(sed -n 's/.*event=listening.*address="\{0,1\}\([0-9.:]*\).*/\1/p' "$scratch/log")
    python3 "$source/tests/bench/daemon_rate.py" "$daemon" "$http" "$total" >>"$scratch/daemon.out"
    stop_daemon
}

pass_once() {
    "$build/tests/bench/passthrough" --brokers "$broker" --from events --to copies --group "pass$1" \
        --count "$total" --commit-ms 50 --commit-rows 5000 --idle-ms 10000 2>/dev/null |
        sed 's/.*events_per_s=\([0-9.]*\).*cpu_us_per_event=\([0-9.]*\).*/\1 \2/' >>"$scratch/pass.out"
}

for round in $(seq "$rounds"); do
    daemon_once "$round-1"
    pass_once "$round-2"
    pass_once "$round-3"
    daemon_once "$round-4"
done
python3 - "$set" "$scratch/daemon.out" "$scratch/pass.out" <<'END'
import statistics
import sys

runs = [[tuple(map(float, line.split())) for line in open(path)] for path in sys.argv[2:]]
thrown, kept = 0, ([], [])
for at in range(0, len(runs[0]), 2):
    pairs = [kind[at:at + 2] for kind in runs]
    if any(max(p)[0] > 1.5 * min(p)[0] for p in pairs):
        thrown += 1
        continue
    for kind, pair in zip(kept, pairs):
        kind.extend(pair)
if not kept[0]:
    sys.exit("every round was thrown out: the machine is too busy")
medians = []
for name, kind in zip(("daemon", "pass-through"), kept):
    rates = [run[0] for run in kind]
    medians.append(statistics.median(rates))
    print(f"{name:13s} {medians[-1]:9.0f} events/s ({min(rates):.0f} .. {max(rates):.0f}), "
          f"{statistics.median(run[1] for run in kind):.2f} us CPU an event, {len(kind)} runs")
ratio, asked = medians[0] / medians[1], sys.argv[1] == "core"
print(f"ratio {ratio:.2f}{' (bar 0.35)' if asked else ''}; rounds thrown out: {thrown}")
sys.exit(asked and ratio < 0.35)
END
