#!/bin/bash
# Hostile records among good ones over a real broker: one dead letter each, with its reason; the
# good ones are scored as if the others had never been; no card number gets out anywhere.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl python3
hostile=$source/tests/integration/hostile.py
count=${HOSTILE:-60000}
start_broker
start_redis
make_bank
"$hecate" gen --users 640 --days 56 --seed 9 --out "$scratch/many" 2>/dev/null
head -n "$count" "$scratch/many" >"$events"
good=$(wc -l <"$events")
[ "$good" = "$count" ] || fail "there are only $good good events"
make_topics 1
write_config
python3 "$hostile" make 7 "$count" "$events" "$scratch/stream" "$scratch/expected"
# Half of the records are hostile: no circuit would stand that.
start_daemon --set log.level=debug --set output.dead_letter_ratio_max=0
wait_ready
kcat -P -b "$broker" -t events -D '\x1e\x1d\x1e#' -K '\x1e\x1d\x1e=' -Z -z lz4 \
    -X queue.buffering.max.messages=1000000 <"$scratch/stream"
wait_done $((good + count)) 120
curl -s "http://$http/metrics" >"$scratch/metrics"
stop_daemon

read_topic scores >"$scratch/scores"
read_topic alerts >"$scratch/alerts"
read_topic alerts -f '%k %h\n' >"$scratch/alerts.headers"
read_topic dead >"$scratch/dead"
read_topic dead -f '%k\t%h\n' | sed 's/\t.*errors\.code=\([a-z_0-9]*\).*/\t\1/' >"$scratch/codes"
read_topic dead -f '%k %h\n' >"$scratch/dead.headers"
"$support/redis.sh" cli "$scratch/redis" --scan >"$scratch/redis.keys"
sed 's/.*/GET "&"/' "$scratch/redis.keys" | "$support/redis.sh" cli "$scratch/redis" --raw \
    >"$scratch/redis.values"
"$hecate" score --model "$model" --data "$events" --out "$scratch/offline" 2>/dev/null

cd "$scratch"
python3 "$hostile" judge expected offline scores codes || fail "the outcome is not as it should be"
! python3 "$hostile" scan expected stream >/dev/null || fail "the scan is blind"
python3 "$hostile" scan expected log alerts alerts.headers scores dead dead.headers metrics \
    redis.keys redis.values || fail "card numbers got out"

# ---- And none leaves with a core: an abort in the middle of them writes none
python3 - "$hecated" "$scratch/hecate.conf" "$scratch/core.log" <<'END' || fail "see above"
import os, resource, signal, subprocess, sys, time


def dumps_core(command, log, ready):
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=os.path.dirname(sys.argv[3]),
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)))
    end = time.time() + 30
    while ready not in open(sys.argv[3]).read() and time.time() < end:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGABRT)
    return os.WCOREDUMP(os.waitpid(process.pid, 0)[1])


with open(sys.argv[3], "w") as log:
    if not dumps_core(["sh", "-c", "echo up; while :; do sleep 1; done"], log, "up"):
        print("this machine writes no cores at all: not shown")
    elif dumps_core([sys.argv[1], "-c", sys.argv[2]], log, "event=ready"):
        sys.exit("hecated left a core")
    elif "event=ready" not in open(sys.argv[3]).read():
        sys.exit("hecated did not start")
END
