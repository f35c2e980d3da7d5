#!/bin/bash
# The inbox on a running daemon: it follows the alert topic, folds repeats, hides what is snoozed;
# a verdict goes into the log as a label event; nothing is filed twice after a kill.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl jq
start_broker
start_redis
make_bank
make_topics 2
write_config "head card_fraud { block_score = 900 }" \
    "alerts { inbox_file = \"$scratch/alerts.db\" dedup_window_s = 86400 control_ratio = 0.3" \
    " control_key = seven-and-eighty-nine }"
total=$(wc -l <"$events")

console() {
    "$hecate" "$@" --config "$scratch/hecate.conf"
}

inbox() {
    console alert list --json --limit 500 "$@" | jq -er "$question"
}

# Every alert is either in a list or folded into one that is.
filed() {
    console alert list --json --limit 1 --state all | jq -r '.counts | .new + .taken + .closed + .snoozed + .repeats'
}

is_filed() {
    [ "$(filed)" = "$1" ]
}

# ---- It files what is on the topic, once
start_daemon
wait_ready
produce "$events"
wait_done "$total"
read_topic alerts >"$scratch/alerts"
alerts=$(wc -l <"$scratch/alerts")
[ "$alerts" -gt 20 ] || fail "only $alerts alerts"
wait_for 20 is_filed "$alerts"
# The oracle folds in jq: same entity and head within a day of the first one kept.
folded=$(jq -s 'map({k: (.entities[0].kind + ":" + .entities[0].token + ":" + .head), t: .event.event_time_ms})
    | group_by(.k) | map(sort_by(.t) | reduce .[] as $a ({n: 0, first: null};
        if .first != null and $a.t - .first <= 86400000 then . else {n: (.n + 1), first: $a.t} end) | .n) | add' \
    "$scratch/alerts")
question='.counts.new' new=$(question='.counts.new' inbox)
[ "$new" = "$folded" ] || fail "$new alerts are new, the oracle says $folded"
[ "$(metric 'hecate_alerts_suppressed_total.*dedup')" = $((alerts - folded)) ] || fail "repeats are not counted"

# ---- It is looked at, taken, labelled
id=$(question='.alerts[0].alert_id' inbox)
console alert show "${id:0:13}" >"$scratch/shown"
for words in Why Scores Entities "$id"; do
    grep -q "$words" "$scratch/shown" || fail "show has no $words: $(cat "$scratch/shown")"
done
[ "$(console alert show "$id" --json | jq -S .alert)" = "$(grep -F "\"$id\"" "$scratch/alerts" | jq -S .)" ] ||
    fail "the inbox has another alert than the topic"
console alert explain "$id" >"$scratch/explained" || fail "another explanation: $(cat "$scratch/explained")"
grep -q '^the same: scores differ by' "$scratch/explained" || fail "explain says: $(cat "$scratch/explained")"
console alert explain "$id" --model "$model" --json | jq -e '.same and (.reasons | length > 0)' >/dev/null ||
    fail "the model's file explains it otherwise"
python3 "$source/tests/proof/explain.py" "$http" analyst-token-0123456789 400 || fail "alerts are explained otherwise"
jq -se 'all(.row.numerics and .timing_us.total >= 0 and (.entities | map(select(.primary))[0].first_seen_ms > 0))' \
    "$scratch/alerts" >/dev/null || fail "an alert is not complete: $(head -1 "$scratch/alerts")"
console alert take "$id" >/dev/null
curl -s -o "$scratch/answer" -w '%{http_code}' -X POST "http://$http/api/v1/alerts/$id/take" \
    -H 'Authorization: Bearer analyst-token-0123456789' -H 'Content-Type: application/json' -d '{}' >"$scratch/code"
[ "$(cat "$scratch/code")" = 409 ] || fail "two people have one alert: $(cat "$scratch/answer")"
grep -q 'uid .* has taken it' "$scratch/answer" || fail "nobody says who: $(cat "$scratch/answer")"
console alert label "$id" fraud --type 05 --note 'called "the" customer' >/dev/null
wait_done $((total + 1))
[ "$(metric 'hecate_labels_received_total.*fraud')" -gt 0 ] || fail "the label was not received"
kcat -C -q -b "$broker" -t events -o beginning -e -f '%k %s\n' |
    grep '"event_id":"label-' >"$scratch/label" || fail "there is no label on the input topic"
user=$(cut -d' ' -f1 "$scratch/label")
cut -d' ' -f2- "$scratch/label" | jq -e --arg user "$user" --slurpfile alert <(grep -F "\"$id\"" "$scratch/alerts") \
    '.label == "fraud" and .fraud_type == "05" and .label_source == "analyst" and .user_token == $user and
     .target_event_id == $alert[0].event.event_id and .target_event_time_ms == $alert[0].event.event_time_ms and
     ([$alert[0].entities[] | .token] - [.[] | strings] == [])' >/dev/null ||
    fail "the label says: $(cat "$scratch/label")"
[ "$(metric 'hecate_dead_letters_total')" = 0 ] || fail "the label was set aside: $(read_topic dead -f %h) $(cat "$scratch/label")"
question='.alerts[0] | .label + " " + .note' said=$(question='.alerts[0] | .label + " " + .note' inbox --state closed)
[ "$said" = 'fraud called "the" customer' ] || fail "the closed alert says: $said"
console alert label "$id" genuine >/dev/null
wait_for 5 grep -q '"previous_label":"fraud"' <(kcat -C -q -b "$broker" -t events -o beginning -e)

# One of each kind of event and head: every label must be understood.
console alert list --json --limit 500 | jq -r '.alerts | unique_by(.head + .event_type)[] | .alert_id' >"$scratch/kinds"
[ "$(wc -l <"$scratch/kinds")" -ge 3 ] || fail "there are too few kinds of alerts"
while read -r one; do
    console alert label "$one" genuine >/dev/null
done <"$scratch/kinds"
wait_done $((total + 2 + $(wc -l <"$scratch/kinds")))
[ "$(metric 'hecate_dead_letters_total')" = 0 ] || fail "a label was set aside: $(read_topic dead -f '%h %s\n')"

# ---- Verdicts become precision and recall, and tell of the control group, as the topics have it
kcat -C -q -b "$broker" -t events -o beginning -e >"$scratch/all"
outcomes() {
    curl -s "http://$http/metrics" >"$scratch/metrics"
    python3 "$source/tests/integration/outcomes.py" "$scratch/alerts" "$scratch/all" "$scratch/metrics" >"$scratch/said" 2>&1
}
(wait_for 15 outcomes) || fail "live precision is another: $(cat "$scratch/said")"
# Through the API that the page uses: an alert that is old enough, of a head with verdicts.
newest=$(jq -s 'map(.event.event_time_ms) | max' "$scratch/alerts")
old=$(jq -r --argjson newest "$newest" 'select(.head == "card_fraud" and .event.event_type == "card_auth" and
    .event.event_time_ms < $newest - 691200000 and .event.event_time_ms > $newest - 1123200000) | .alert_id' "$scratch/alerts" | head -1)
[ -n "$old" ] || fail "no alert is old enough"
outcome='hecate_alert_outcomes.head="card_fraud",window="7d",outcome='
verdict() {
    curl -s -f -o "$scratch/answer" -X POST "http://$http/api/v1/alerts/$old/label" -H 'Content-Type: application/json' \
        -H 'Authorization: Bearer analyst-token-0123456789' -d "{\"label\":\"$1\",\"fraud_type\":\"$2\"}" ||
        fail "the verdict is refused: $(cat "$scratch/answer")"
    kcat -C -q -b "$broker" -t events -o beginning -e >"$scratch/all"
}
[ "$(metric hecate_control_group_mature)" -ge 5 ] || fail "there is no control group: $(cat "$scratch/said")"
# One more moves them.
verdict genuine ''
(wait_for 15 outcomes) || fail "a verdict does not reach the metrics: $(cat "$scratch/said")"
before=$(metric "${outcome}\"fraud\"")
verdict fraud 04
(wait_for 15 outcomes) || fail "a changed verdict does not reach the metrics: $(cat "$scratch/said")"
[ "$(metric "${outcome}\"fraud\"")" = $((before + 1)) ] || fail "a fraud does not count: $(metric "${outcome}\"fraud\""), it was $before"
console status >"$scratch/status"
grep -q '^card_fraud  *7 .* [0-9.]* ' "$scratch/status" || fail "the console has no precision: $(cat "$scratch/status")"

# ---- What is snoozed is out of sight, and counted
status=0
console snooze add card:x --for 2h 2>/dev/null || status=$?
[ "$status" = 2 ] || fail "a snooze without a reason ended with $status"
entity=$(question='.alerts[0] | .kind + ":" + .token' inbox)
head=$(question='.alerts[0].head' inbox)
console snooze add "$entity" --for 2h --reason 'a test' --head "$head" >/dev/null
# Another daemon of the group alerts on it: a new id, a week later.
grep -F "\"$(question='.alerts[0].alert_id' inbox)\"" "$scratch/alerts" |
    jq -c '.alert_id = "77777777" + .alert_id[8:] | .event.event_id = "again" | .event.event_time_ms += 604800000' |
    kcat -P -b "$broker" -t alerts
again=1
wait_for 10 is_filed $((alerts + 1))
# A C1 control (U+009B begins an escape sequence) comes in where C0 ones are refused.
console snooze add "$(printf 'card:a\302\2332Jb')" --for 2h --reason "$(printf 'x\302\2332Jy')" >/dev/null
console snooze list >"$scratch/said"
grep -q 'card:a?2Jb .* x?2Jy, ' "$scratch/said" || fail "hostile text is not shown plainly: $(cat -v "$scratch/said")"
console snooze remove "$(console snooze list --json | jq '.snoozes[] | select(.token | startswith("a")).id')"
[ "$(console snooze list --json | jq '.snoozes[0].kept')" = "$again" ] ||
    fail "the snooze kept $(console snooze list --json) of $again"
[ "$(metric 'hecate_alerts_suppressed_total.*snooze')" = "$again" ] || fail "what is snoozed is not counted"
[ "$(console alert list --json --head "$head" --entity "$entity" | jq '[.alerts[] | select(.event_id | startswith("again"))] | length')" = 0 ] ||
    fail "a snoozed alert is in sight"
console snooze remove "$(console snooze list --json | jq '.snoozes[0].id')"

# ---- Killed and started anew: nothing twice, nothing lost, the work is still there
count=$(filed)
kill -9 "$daemon"
wait "$daemon" 2>/dev/null || true
start_daemon
wait_ready 60
wait_for 20 is_filed "$count"
sleep 1
[ "$(filed)" = "$count" ] || fail "$(filed) alerts are filed, there were $count"
[ "$(question='.alerts[0].label' inbox --state closed)" = genuine ] || fail "the verdict is gone"

# ---- The audit knows
curl -s "http://$http/api/v1/audit" -H 'Authorization: Bearer operator-token-0123456789' >"$scratch/audit"
for verb in alert_take alert_label snooze_add snooze_remove; do
    jq -e --arg v "$verb" '.audit | any(.verb == $v and .code == 200)' "$scratch/audit" >/dev/null ||
        fail "the audit has no $verb: $(cat "$scratch/audit")"
done
jq -e '.audit | any(.actor == "analyst" and .code == 409)' "$scratch/audit" >/dev/null || fail "a refusal is not audited"

# ---- Dead letters with their reason
printf 'u1\tnot json\x1b[31m\n' | kcat -P -b "$broker" -t events -K '	' -X partitioner=murmur2_random
letter() {
    curl -s "http://$http/api/v1/dead-letters" -H 'Authorization: Bearer operator-token-0123456789' |
        jq -e '.dead_letters[0] | .code == "not_json" and (.value | startswith("not json")) and .key == "u1"'
}
wait_for 10 letter
stop_daemon
! grep -v librdkafka "$scratch/log" | grep -E 'level=error' || fail "it complained"
echo good
