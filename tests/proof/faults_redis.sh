#!/bin/bash
# Faults of Redis, one row of the table each; see faults_lib.sh and faults_table.sh.
#
#   faults_redis.sh f17|f18|f20|f21|f22|f23|f34|f35 [AMOUNT]
#
# The last line is the figure. Exit status 0: the row passes.
. "$(dirname "$0")/faults_lib.sh"
row=${1:-} amount=${2:-}

redis_cli() { "$support/redis.sh" cli "$scratch/redis" "$@"; }

begin() { # [ARG...] of hecated: a third of the events is through
    prepare 2
    configure test
    run test "$@"
    send_part 1 3
    await 60
    http_of test
}

end() { # the rest of them, and the judge
    send_part 3 3
    await 120
    wait_for 60 is_stored
    finish "$daemon"
    DEGRADED_MAX=0.5 judge 2
}

# Redis answers on TCP behind a proxy.
begin_behind_proxy() {
    local port
    port=$("$support/free_port.sh")
    : >"$scratch/control"
    prepare 2
    python3 "$support/proxy.py" "$port" "$redis" "$scratch/control" "${SEED:-7}" >"$scratch/proxy.log" 2>&1 &
    proxy=$!
    later "$proxy"
    configure test
    sed -i "s|unix:$redis|tcp:127.0.0.1:$port|" "$scratch/test.conf"
    run test --set state.read_timeout_ms=500
    send_part 1 3
    await 60
    http_of test
}

# kill -9 and back with its log.
f17() {
    begin
    for _ in $(seq "${amount:-5}"); do
        send $((sent + 1)) $((sent + lines / 30))
        "$support/redis.sh" kill "$scratch/redis"
        sleep 0.$((RANDOM % 9))
        start_redis --appendonly yes
        sleep 1
    done
    end
    echo "${amount:-5} kills of Redis with its log kept: $sent events, each once"
}

# Emptied under a daemon at work.
f18() {
    begin
    send_part 2 3 &
    sleep 1
    redis_cli FLUSHALL >/dev/null
    wait $!
    sent=$((lines * 2 / 3))
    await 60
    wait_for 60 says test 'event=state_rebuild'
    end
    echo "FLUSHALL: $(grep -c event=state_rebuild "$scratch/test.log") rebuilds of partitions; $sent events, each once"
}

# Redis sleeps through its deadline, again and again.
f20() {
    redis_args=(--enable-debug-command local)
    begin
    for _ in $(seq "${amount:-4}"); do
        redis_cli DEBUG SLEEP 3 >/dev/null &
        send $((sent + 1)) $((sent + lines / 30))
        wait $!
        sleep 1
    done
    end
    says test 'event=store_away' || fail "a Redis that sleeps for 3 s was not noticed"
    echo "${amount:-4} sleeps of 3 s: away $(grep -c event=store_away "$scratch/test.log") times; $sent events, each once"
}

# The connection ends at some byte, whichever way it went just then.
f21() {
    begin_behind_proxy
    echo "cut 3000" >"$scratch/control"
    for _ in $(seq "${amount:-20}"); do
        send $((sent + 1)) $((sent + lines / 60))
        sleep 1
    done
    : >"$scratch/control"
    end
    kill "$proxy"
    wait "$proxy" || true
    local cuts
    cuts=$(sed -n 's/.*, \([0-9]*\) cut/\1/p' "$scratch/proxy.log")
    [ "$cuts" -ge 5 ] || fail "only $cuts connections were cut: nothing was proved"
    ! says test 'state_refused' || fail "a torn flush was stored"
    echo "$(cat "$scratch/proxy.log") somewhere in their first 3000 bytes: $sent events, each once"
}

# No memory left for writes, and memory again.
f22() {
    begin
    redis_cli CONFIG SET maxmemory 1mb >/dev/null
    send_part 2 3
    await 60
    wait_for 30 says test 'event=(checkpoint_failed|store_away)'
    [ "$(metric hecate_checkpoint_lag_records)" -gt 0 ] || fail "nothing is waiting to be stored"
    redis_cli CONFIG SET maxmemory 0 >/dev/null
    local began
    began=$(now_ms)
    wait_for 60 is_stored
    local took=$(($(now_ms) - began))
    end
    echo "full: scored on, nothing stored; stored again $took ms after there was room; $sent events, each once"
}

# An operator lets it evict.
f23() {
    begin
    local began
    began=$(now_ms)
    redis_cli CONFIG SET maxmemory-policy allkeys-lru >/dev/null
    wait_for 90 says test 'event=store_evicts'
    local took=$(($(now_ms) - began))
    [ "$took" -le 60000 ] || fail "it was noticed after $took ms"
    redis_cli CONFIG SET maxmemory-policy noeviction >/dev/null
    end
    echo "maxmemory-policy allkeys-lru: told after $took ms"
}

# One bit of each of some stored records turns over while nobody runs.
f34() {
    begin
    finish "$daemon"
    redis_cli --scan | grep -v ':wm:\|:own:' | sort | head -n "${amount:-40}" >"$scratch/keys"
    local key length at byte flips=0
    while read -r key; do
        length=$(redis_cli STRLEN "$key")
        [ "$length" -gt 0 ] || continue
        at=$((RANDOM % length))
        byte=$(redis_cli GETRANGE "$key" "$at" "$at" | head -c 1 | od -An -tu1 | tr -d ' ')
        byte=$(((${byte:-0} ^ (1 << (RANDOM % 8)))))
        printf "\\x$(printf %02x "$byte")" | redis_cli -x SETRANGE "$key" "$at" >/dev/null
        flips=$((flips + 1))
    done <"$scratch/keys"
    [ "$flips" -gt 0 ] || fail "there are no records to spoil"
    run test
    end
    says test 'state_refused' || fail "no spoilt record was met"
    echo "$flips spoilt records: $(grep -c event=state_refused "$scratch/test.log") refusals, rebuilt; $sent events, each once"
}

# One customer makes nine events of ten.
f35() {
    prepare 2
    "$hecate" gen --users "${amount:-20000}" --days 12 --seed 9 --out "$scratch/many" 2>/dev/null
    head -n 120000 "$scratch/many" | python3 -c '
import random, sys
random.seed(7)
for line in sys.stdin:
    if random.random() < 0.9 and "\"user_token\":\"" in line:
        a, b = line.split("\"user_token\":\"", 1)
        line = a + "\"user_token\":\"hot" + b[b.index("\""):]
    sys.stdout.write(line)' >"$scratch/hot"
    events=$scratch/hot lines=$(wc -l <"$scratch/hot")
    configure test
    run test
    local began
    began=$(now_ms)
    send_part 1 1
    await 180
    local took=$(($(now_ms) - began))
    http_of test
    wait_for 60 is_stored
    curl -s "http://$http/metrics" >"$scratch/metrics"
    local flush
    flush=$(awk '/^hecate_stage_duration_seconds_(sum|count)\{.*checkpoint/ { if (/sum/) s += $NF; else c += $NF }
        END { printf "%.1f", c > 0 ? 1000 * s / c : 0 }' "$scratch/metrics")
    finish "$daemon"
    DEGRADED_MAX=0.5 judge 2
    echo "90 % of $sent events are one customer's, ${amount:-20000} others: through in $took ms, mean checkpoint $flush ms; each once"
}

case $row in
f17 | f18 | f20 | f21 | f22 | f23 | f34 | f35) "$row" ;;
*) fail "usage: $(sed -n 4p "$0")" ;;
esac
