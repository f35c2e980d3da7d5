#!/bin/bash
# The console on a running daemon: status, top, pause, resume, log level, drain, over the Unix
# socket; the same API over TCP with its roles.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl jq
start_broker
start_redis
make_bank
make_topics 2
write_config
total=$(wc -l <"$events")
half=$((total / 2))
head -n "$half" "$events" >"$scratch/first"
tail -n +"$((half + 1))" "$events" >"$scratch/second"

console() {
    "$hecate" "$@" --config "$scratch/hecate.conf"
}

# The status code of METHOD PATH [BODY] for a role; the answer is in $scratch/answer.
ask() {
    local role=$1 method=$2 path=$3 body=${4:-}
    curl -s -o "$scratch/answer" -w '%{http_code}' -X "$method" "http://$http$path" \
        -H "Authorization: Bearer $role-token-0123456789" \
        ${body:+-H 'Content-Type: application/json' -d "$body"}
}

expect() {
    local wanted=$1 got
    shift
    got=$(ask "$@")
    [ "$got" = "$wanted" ] || fail "$* gave $got instead of $wanted: $(cat "$scratch/answer")"
}

state() {
    console status --json | jq -er "$1"
}

# ---- Nobody is there
status=0
console status 2>"$scratch/said" || status=$?
[ "$status" = 69 ] || fail "status without a daemon ended with $status"
grep -q 'is it running' "$scratch/said" || fail "it should ask: $(cat "$scratch/said")"

# ---- Status and top
start_daemon
wait_ready
produce "$scratch/first"
wait_done "$half"
[ "$(state .state)" = running ] || fail "the state is $(state .state)"
[ "$(state .counts.events)" = "$half" ] || fail "$(state .counts.events) events instead of $half"
[ "$(state '.partitions | length')" = 2 ] || fail "not two partitions: $(state .partitions)"
[ "$(state '[.checks[].ok] | all')" = true ] || fail "a check is not ok: $(state .checks)"
[ "$(state '[.heads[].alerts] | add')" = "$(metric hecate_alerts_total)" ] ||
    fail "status and metrics count alerts differently"
console config show --running >"$scratch/said"
grep -q "^hecate.instance = test  # $scratch/hecate.conf:1" "$scratch/said" || fail "running says: $(cat "$scratch/said")"
console config show --running --json | jq -e 'any(.key == "kafka.bootstrap.servers")' >/dev/null || fail "no Kafka among the running settings"
console status >"$scratch/said"
grep -qE '^test +running' "$scratch/said" || fail "status says: $(cat "$scratch/said")"
grep -qE '^card_fraud +on' "$scratch/said" || fail "status names no head: $(cat "$scratch/said")"
console top --interval 0.2 --count 1 >"$scratch/said"
grep -q 'events/s' "$scratch/said" || fail "top says: $(cat "$scratch/said")"

# ---- What it says, as it says it
console tail alerts --from-start --no-follow --json >"$scratch/tailed"
[ "$(wc -l <"$scratch/tailed")" = "$(metric hecate_alerts_total)" ] ||
    fail "$(wc -l <"$scratch/tailed") alerts of $(metric hecate_alerts_total) are told"
console tail alerts --from-start --no-follow --head ato --min-score 600 >"$scratch/said"
[ "$(wc -l <"$scratch/said")" = "$(jq -c 'select(.head == "ato" and .scores.ato.score >= 600)' \
    "$scratch/tailed" | wc -l)" ] || fail "the filter keeps $(wc -l <"$scratch/said") alerts"
! grep -v ' ato ' "$scratch/said" || fail "alerts of another head are told"
console tail scores --from-start --count 5 >"$scratch/said"
[ "$(wc -l <"$scratch/said")" = 5 ] || fail "not five scores: $(cat "$scratch/said")"
"$hecate" schema alert | jq -e '.title == "Hecate alert"' >/dev/null || fail "the alert's schema"

# ---- Pause: what comes now waits; everybody sees why
status=0
console pause 2>/dev/null || status=$?
[ "$status" = 2 ] || fail "a pause without a reason ended with $status"
console pause --reason 'broker "maintenance"'
sleep 0.5
produce "$scratch/second"
sleep 2
[ "$(state .counts.events)" = "$half" ] || fail "a paused daemon reads events"
[ "$(state .paused.reason)" = 'broker "maintenance"' ] || fail "nobody knows why it is paused"
[ "$(curl -s -o "$scratch/ready" -w '%{http_code}' "http://$http/readyz")" = 503 ] ||
    fail "a paused daemon says that it is ready"
grep -q 'paused by uid' "$scratch/ready" || fail "readyz says: $(cat "$scratch/ready")"
[ "$(metric 'hecate_run_state.*paused')" = 1 ] || fail "the metrics know of no pause"
console resume
wait_done "$total"
[ "$(metric 'hecate_run_state.*running')" = 1 ] || fail "it does not run on"

# ---- The log level, for good and for a while
is_level() {
    [ "$(state .log_level)" = "$1" ]
}
console loglevel debug --for 5 >/dev/null
is_level debug || fail "the level did not change"
wait_for 30 is_level info
status=0
console loglevel loud 2>"$scratch/said" || status=$?
[ "$status" = 1 ] || fail "a level that there is not ended with $status"

# ---- Roles over TCP
expect 401 nobody GET /api/v1/status
expect 200 viewer GET /api/v1/status
expect 403 viewer POST /api/v1/pause '{"reason":"no"}'
expect 403 analyst POST /api/v1/pause '{"reason":"no"}'
expect 404 viewer GET /api/v1/nothing
expect 405 viewer POST /api/v1/status '{}'
expect 400 operator POST /api/v1/pause '{"reason":'
expect 422 operator POST /api/v1/pause '{"reason":""}'
expect 422 operator POST /api/v1/pause '{"reason":7}'
expect 422 operator PUT /api/v1/log-level '{"level":"info","for_s":-1}'
expect 200 operator PUT /api/v1/log-level '{"level":"info"}'
[ "$(state .state)" = running ] || fail "a refused pause paused"
grep -q 'event=audit.*verb=pause.*code=403' "$scratch/log" || fail "a refusal is not in the log"

# ---- Wrong tokens by the thousand: all refused, none waits, the pipeline goes on
for _ in $(seq 20); do printf 'url = "http://%s/api/v1/status"\noutput = "%s"\n' "$http" /dev/null; done >"$scratch/urls"
for n in $(seq 50); do
    curl -s -K "$scratch/urls" -H "Authorization: Bearer wrong-token-$n-xxxxxxxx" -w '%{http_code}\n'
done | sort | uniq -c >"$scratch/codes"
[ "$(awk '{ print $1, $2 }' "$scratch/codes")" = '1000 401' ] || fail "codes: $(cat "$scratch/codes")"
expect 200 viewer GET /api/v1/status

# ---- Drain
console drain
wait "$daemon" || fail "a drained daemon ended with $?"
[ "$(committed)" = "$total" ] || fail "$(committed) of $total are committed"
! grep -v librdkafka "$scratch/log" | grep 'level=error' || fail "it complained"
! grep -F -- '-token-' "$scratch/log" || fail "a token is in the log"
echo good
