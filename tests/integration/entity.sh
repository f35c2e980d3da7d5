#!/bin/bash
# One customer as Redis has it, and forgotten: gone after the next checkpoint, and gone again when
# state is built anew. With a token key, so that Redis knows nobody by name.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl jq python3
start_broker
start_redis
make_bank
make_topics 2
write_config
sed -i 's/^state {/state { token_key = "0123456789abcdef-not-a-secret" checkpoint_interval_ms = 200/' \
    "$scratch/hecate.conf"
entity() {
    "$hecate" entity "$@" --config "$scratch/hecate.conf"
}
keys() {
    "$support/redis.sh" cli "$scratch/redis" --scan
}

status=0
entity show user:nobody >"$scratch/said" 2>&1 || status=$?
[ "$status" != 0 ] || fail "an empty store shows somebody"
grep -q 'holds no state' "$scratch/said" || fail "an empty store: $(cat "$scratch/said")"

produce "$events"
start_daemon
wait_ready
wait_done "$(wc -l <"$events")"

# The customer with the most payments, and a card of theirs.
read -r user card <<<"$(jq -r 'select(.event_type == "card_auth") | .user_token + " " + .card_token' \
    "$events" | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2, $3 }')"
newest=$(jq -c "select(.user_token == \"$user\" and (.event_type | IN(\"card_auth\", \"transfer\",
    \"login\", \"account_change\"))) | .event_time_ms" "$events" | sort -n | tail -1)
is_stored() {
    [ "$(entity show "user:$user" --json 2>/dev/null | jq '[.shards[].newest_ms] | max')" = "$newest" ]
}
wait_for 30 is_stored
entity show "user:$user" --json >"$scratch/user.json"
[ "$(jq '.shards | length' "$scratch/user.json")" = 1 ] || fail "a customer is in one partition"
[ "$(jq '.recent_event_s | length' "$scratch/user.json")" = 32 ] || fail "32 events are remembered"
[ "$(jq '.recent_event_s | max' "$scratch/user.json")" -ge $((newest / 1000)) ] ||
    fail "the last event is not among the last events"
jq -e '.features | length > 20 and ([.[] | select(.now != null and .now > 0)] | length > 5)' \
    "$scratch/user.json" >/dev/null || fail "the features: $(cat "$scratch/user.json")"
entity show "card:$card" >"$scratch/said"
grep -q 'newest event' "$scratch/said" || fail "it shows no card: $(cat "$scratch/said")"
grep -qE '^card_count_30d +[1-9]' "$scratch/said" || fail "no payments in 30 days: $(cat "$scratch/said")"

# ---- Redis knows nobody by name
keys >"$scratch/keys"
! grep -qF "$user" "$scratch/keys" || fail "a token stands in Redis"
[ "$(grep -cE ':(user|card|account):[0-9a-f]{32}$' "$scratch/keys")" -gt 50 ] || fail "keys are not keyed"
sed 's/^/get /' "$scratch/keys" | "$support/redis.sh" cli "$scratch/redis" >"$scratch/values"
[ "$(wc -c <"$scratch/values")" -gt 100000 ] || fail "the records could not be read"
! grep -qaF -e "$user" -e "$card" "$scratch/values" || fail "a token stands in a record"
status=0
entity show "user:$user" --set state.token_key= >"$scratch/said" 2>&1 || status=$?
[ "$status" != 0 ] || fail "it is shown without the key"
grep -q 'another state.token_key' "$scratch/said" || fail "without the key: $(cat "$scratch/said")"

# ---- Forgotten
status=0
entity forget "user:$user" </dev/null 2>"$scratch/said" || status=$?
[ "$status" = 1 ] || fail "it forgets without being told yes"
entity forget "user:$user" --also "card:$card" --yes >"$scratch/said"
grep -q '2 forget events on each of 2 partitions' "$scratch/said" || fail "forget: $(cat "$scratch/said")"
is_gone() {
    local status=0
    entity show "$1" >"$scratch/said" 2>&1 || status=$?
    [ "$status" != 0 ] && grep -q 'nothing is stored of' "$scratch/said"
}
wait_for 30 is_gone "user:$user"
wait_for 30 is_gone "card:$card"

# ---- And again when the state is built from the log
kill -9 "$daemon"
wait "$daemon" 2>/dev/null || true
"$support/redis.sh" cli "$scratch/redis" FLUSHALL >/dev/null
start_daemon
wait_ready 60
is_rebuilt() {
    [ "$(keys | wc -l)" -ge $(($(wc -l <"$scratch/keys") - 2)) ]
}
wait_for 60 is_rebuilt
wait_for 30 is_gone "user:$user"
is_gone "card:$card" || fail "the card came back: $(cat "$scratch/said")"
stop_daemon
