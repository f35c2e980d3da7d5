#!/bin/bash
# What cannot be published costs one dead letter and nothing else, over a real broker: a score and a
# dead letter above max.message.bytes. A burst of garbage opens the circuit: reading stops,
# readiness says why, `hecate resume` closes it, and every record has one outcome.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl python3 jq
start_broker
start_redis
make_bank
make_topics 1
write_config 'kafka_producer { compression.codec = none }' # sizes are what they look like
alter() {
    "$support/broker.sh" set "$scratch/broker" "$1" "max.message.bytes=$2" ||
        fail "max.message.bytes of $1 cannot be set"
}

# ---- One score that is too large, among good ones
grep -m 60 '"event_type":"card_auth"' "$events" >"$scratch/good"
head -n 1 "$scratch/good" | jq -c '.event_id = "poison" + ("0123456789" * 12)' >"$scratch/poison"
start_daemon --set output.commit_interval_ms=20
wait_ready
produce "$scratch/good"
wait_done 60
largest=$(read_topic scores -f '%S\n' | sort -n | tail -1)
alter scores $((largest + 90)) # a batch of one has some 70 bytes more than its record
{ head -n 20 "$scratch/good" | sed 's/"event_id":"/&again-/'; cat "$scratch/poison"
    tail -n 20 "$scratch/good" | sed 's/"event_id":"/&again-/'; } >"$scratch/mixed"
began=$SECONDS
produce "$scratch/mixed"
has() { [ "$(read_topic "$1" | wc -l)" -ge "$2" ]; }
wait_for 60 has scores 100
read_topic dead -f '%o %h\n' >"$scratch/dead"
[ "$(wc -l <"$scratch/dead")" = 1 ] || fail "not one dead letter: $(cat "$scratch/dead")"
grep -q 'errors.code=poison' "$scratch/dead" || fail "it has another code: $(cat "$scratch/dead")"
grep -q 'errors.stage=publish' "$scratch/dead" || fail "it has another stage: $(cat "$scratch/dead")"
[ "$(read_topic scores | wc -l)" = 100 ] || fail "$(read_topic scores | wc -l) scores, not 100"
[ "$(grep -c 'event=poison' "$scratch/log")" = 1 ] || fail "the log does not tell of it once"
attempts=$(grep -c 'event=transaction_rolled_back' "$scratch/log")
echo "a score above max.message.bytes: one dead letter, 40 good scores around it," \
    "$attempts rollbacks, $((SECONDS - began)) s"

# ---- One dead letter that is too large
alter scores 1000000
alter dead 5000
python3 -c "import random; random.seed(7)
print('u1\tno event ' + ''.join(random.choice('abcdefghij') for _ in range(40000)))" |
    kcat -P -b "$broker" -t events -K '	'
wait_for 60 has dead 2
read_topic dead | tail -n 1 | grep -q '^sha256:' || fail "the large dead letter is not its digest"
alter dead 1000000

# ---- The circuit
for i in $(seq 400); do printf 'u1\tgarbage %d\n' "$i"; done | kcat -P -b "$broker" -t events -K '	'
is_open() { [ "$(metric hecate_circuit_open)" = 1 ]; }
wait_for 30 is_open
"$hecate" status --config "$scratch/hecate.conf" >"$scratch/status" || true
grep -q 'NOT OK  dead_letters' "$scratch/status" || fail "the console does not say why: $(cat "$scratch/status")"
[ "$(curl -s -o "$scratch/ready" -w '%{http_code}' "http://$http/readyz")" = 503 ] ||
    fail "it is ready with an open circuit: $(cat "$scratch/ready")"
grep -q 'dead_letters' "$scratch/ready" || fail "readiness does not say why: $(cat "$scratch/ready")"
[ "$(curl -s -o /dev/null -w '%{http_code}' "http://$http/livez")" = 200 ] || fail "it is not alive"
grep -q 'event=circuit_opened' "$scratch/log" || fail "the log does not tell of the circuit"
# Whatever is left opens it again.
is_through() {
    [ "$(metric hecate_circuit_open)" = 0 ] ||
        "$hecate" resume --config "$scratch/hecate.conf" >/dev/null
    has dead 402
}
wait_for 60 is_through
produce "$scratch/good"
is_through_again() {
    is_through && has scores 160
}
wait_for 60 is_through_again
grep -q 'event=circuit_closed' "$scratch/log" || fail "the log does not tell of the resumption"
[ "$(read_topic dead | wc -l)" = 402 ] || fail "$(read_topic dead | wc -l) dead letters, not 402"
[ "$(read_topic scores | wc -l)" = 160 ] || fail "$(read_topic scores | wc -l) scores, not 160"
stop_daemon
echo "400 records of garbage: the circuit opened $(grep -c 'event=circuit_opened' "$scratch/logs")" \
    "times, each record has one outcome"
