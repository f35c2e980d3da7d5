#!/bin/bash
# The economy of alerts on a real broker: rules, lists live and from the topic, the breaker, the
# control group, a budget that is the same after a kill.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl jq python3
start_broker
start_redis
make_bank
make_topics 2
"$support/broker.sh" topic "$scratch/broker" lists 1 cleanup.policy=compact
cat >"$scratch/rules.conf" <<'END'
rule any_transfer { when = "event_type == 'transfer' and amount_minor >= 0" outcome = evidence text = "money left" }
rule large { when = "amount_minor > 40000 and not has wallet" outcome = review text = "a large amount" }
END
# Blocks are a matter of course here, so that the breaker has something to break.
write_config "head card_fraud { block_score = 900 budget_alerts_per_day = 5 }" \
    "alerts { rules_file = \"$scratch/rules.conf\" lists_topic = lists lists_file = \"$scratch/lists\" inbox_file = \"$scratch/alerts.db\"" \
    " breaker_block_ratio = 0.2 breaker_window_s = 86400 control_ratio = 0.2 control_key = seven-and-eighty-nine }"

console() {
    "$hecate" "$@" --config "$scratch/hecate.conf"
}

# ---- A rule with a mistake is refused before anything starts, with the nearest good word
sed 's/amount_minor > 40000/amonut_minor > 40000/' "$scratch/rules.conf" >"$scratch/wrong.conf"
status=0
"$hecate" config check --config "$scratch/hecate.conf" --set "alerts.rules_file=$scratch/wrong.conf" \
    2>"$scratch/refused" || status=$?
[ "$status" = 78 ] || fail "a wrong rule: status $status"
grep -q 'wrong.conf:2: rule large: column 1: .*did you mean "amount_minor"' "$scratch/refused" ||
    fail "a wrong rule is told so: $(cat "$scratch/refused")"

# ---- Half of the stream, a kill in the middle, the rest: each head and day keeps to its budget
total=$(wc -l <"$events")
head -n $((total / 2)) "$events" >"$scratch/first"
tail -n +$((total / 2 + 1)) "$events" >"$scratch/rest"
start_daemon
wait_ready
produce "$scratch/first" &
producer=$!
sleep 0.7
kill -9 "$daemon"
wait "$daemon" 2>/dev/null || true
wait "$producer"
start_daemon
wait_ready
produce "$scratch/rest"
wait_done $((total - total / 2))
until [ "$(committed)" = "$total" ]; do
    kill -0 "$daemon" || fail "hecated ended: $(tail -3 "$scratch/log")"
    sleep 0.3
done
read_topic alerts >"$scratch/alerts"
budgets() {
    jq -s 'map(select(.budget)) | group_by([.head, .event.source.partition, .budget.day_ms])' "$scratch/alerts"
}
# used counts on without a gap or a repeat, over the kill too, in each partition
budgets | jq -e 'all(.[]; (map(.budget.used) | sort) as $u | $u == [range(1; 1 + ($u | length))])' >/dev/null ||
    fail "a budget lost count over the kill: $(budgets | jq -c '.[] | map(.budget.used)' | head -3)"
budgets | jq -e 'all(.[]; (map(select(.decision.outcome == "review" and .decision.reason != "list")) |
    all(.[]; .budget.used <= .budget.limit)))' >/dev/null || fail "a review was sent over the budget"
[ "$(jq -s 'map(.alert_id) | length - (unique | length)' "$scratch/alerts")" = 0 ] || fail "an alert is there twice"
[ "$(metric 'hecate_alerts_suppressed_total.*budget')" -gt 0 ] || fail "nothing was over the budget"

# ---- Rules: hits stand in the alerts and are counted
jq -s -e 'map(select(.rules)) | length > 0 and all(.[]; all(.rules[]; .name == "large" or .name == "any_transfer"))' \
    "$scratch/alerts" >/dev/null || fail "no alert tells of a rule"
jq -s -e 'map(select(.decision.reason == "rule")) | length > 0 and
    all(.[]; .event.amount_minor > 40000 and .decision.outcome == "review")' "$scratch/alerts" >/dev/null ||
    fail "no alert was raised by a rule"
[ "$(metric 'hecate_rule_hits_total.rule="large"')" -gt 0 ] || fail "the hits of a rule are not counted"

# ---- The control group: what was let through, once it is mature, tells how precise blocking is
mature=$(jq -s '(map(.event.event_time_ms) | max) as $newest | map(select(.sampling.control_group and
    .event.event_time_ms < $newest - 604800000)) | length' "$scratch/alerts")
[ "$mature" -ge 5 ] || fail "only $mature would-be blocks were let through"
is_mature() { [ "$(metric hecate_control_group_mature)" = "$mature" ]; }
wait_for 15 is_mature
console status >"$scratch/status"
grep -q 'control group: precision of blocking [01]\.[0-9]* ([01]\.' "$scratch/status" ||
    fail "the console has no control group: $(cat "$scratch/status")"

# ---- Other thresholds: what they would have earned, by the propensities of these alerts, as a
# second hand adds it up; nothing where nobody was let through
evaluate() {
    "$hecate" policy evaluate --data "$events" --head card_fraud --block-score 970 "$@"
}
evaluate --alerts - --json <"$scratch/alerts" >"$scratch/worth" || fail "it is not evaluated: $(cat "$scratch/worth")"
python3 - "$scratch/alerts" "$events" "$scratch/worth" <<'END' || fail "others would say so: $(cat "$scratch/worth")"
import json, sys
alerts, events, told = sys.argv[1:]
told, label, known = json.load(open(told)), {}, 0
for event in map(json.loads, open(events)):
    known = max(known, event["event_time_ms"])
    if event["event_type"] == "label":
        label[event["target_event_id"]] = event
kept, floor = [], 0
for alert in map(json.loads, open(alerts)):
    blocks = any(rule["outcome"] == "block" for rule in alert.get("rules", []))
    control = alert.get("sampling", {}).get("control_group", False)
    if alert["head"] == "card_fraud" and not (control and blocks) and \
            alert["decision"]["reason"] in ("threshold", "control", "breaker"):
        floor = max(floor, alert["scores"]["card_fraud"]["threshold"] / 1000 - 1e-6)
        if alert["event"]["event_time_ms"] <= known - 7 * 86400000:
            kept.append((alert, control))
ips = 0
for alert, control in kept:
    verdict = label.get(alert["event"]["event_id"], {})
    fraud = verdict.get("label") == "fraud"
    other = fraud and verdict.get("fraud_type") in ("05", "55")
    would = "block" if control else alert["decision"]["outcome"]
    weight = 1 / alert["sampling"]["propensity"] if control else 0 if would == "block" else 1
    does = "block" if alert["scores"]["card_fraud"]["probability"] >= 0.970 else "review"
    amount = alert["event"]["amount_minor"]
    worth = {"review": fraud * amount - 500, "block": fraud * amount - (not fraud) * 2000}
    ips += weight * (worth[does] - worth[would]) * (not other) / len(kept)
assert told["log"]["decisions"] == len(kept), len(kept)
assert told["log"]["let_through"] == sum(control for _, control in kept)
against = told["against_the_log"]
for name in ("ips", "snips", "dr"):
    assert against[name]["low_minor"] <= against[name]["value_minor"] <= against[name]["high_minor"], name
assert against["seen"] > 0 and abs(against["ips"]["value_minor"] - ips) < 1e-6 * max(1, abs(ips)), ips
END
jq -c 'select(.decision.reason != "control") | del(.sampling)' "$scratch/alerts" >"$scratch/unsampled"
evaluate --alerts "$scratch/unsampled" >"$scratch/worth" && fail "it judges what nobody saw: $(cat "$scratch/worth")" || true
grep -q 'no support: propensity is 0 for [0-9]* decisions' "$scratch/worth" || fail "it does not say why: $(cat "$scratch/worth")"
# hecate-learning(7) has this one behind kcat.
"$hecate" policy propose --alerts - --data "$events" --head card_fraud <"$scratch/alerts" >"$scratch/proposal" ||
    fail "nothing is said of better ones: $(cat "$scratch/proposal")"
grep -qE '^(nothing is proposed: |head card_fraud \{)' "$scratch/proposal" || fail "the proposal is: $(cat "$scratch/proposal")"
for line in '[]' '{"head":"card_fraud"}' 'no json' '{"head":"card_fraud\u0000"}' '{"head":{}}'; do
    printf '%s\n' "$line" | evaluate --alerts - >"$scratch/refused" 2>&1 && fail "an alert may be $line" || true
    grep -qF -- '-:1: no alert: there is no sound' "$scratch/refused" || fail "it says of $line: $(cat "$scratch/refused")"
done

# ---- Lists: denied and allowed from the next batch on, and after a restart from the topic
user=$(jq -r 'select(.head == "card_fraud") | .entities[] | select(.kind == "user") | .token' "$scratch/alerts" | head -1)
card=$(grep '"event_type":"card_auth"' "$scratch/rest" | tail -1 | jq -r .card_token)
[ "$card" != null ] || fail "there is no card"
event() {
    grep -F "\"card_token\":\"$card\"" "$scratch/rest" | grep '"event_type":"card_auth"' | tail -1 |
        jq -c --arg id "$1" --argjson more "$2" --argjson amount "${3:-100}" \
            '.event_id = $id | .event_time_ms += $more | .amount_minor = $amount' >"$scratch/one"
    local before
    before=$(metric hecate_events_processed_total)
    produce "$scratch/one"
    wait_done $((before + 1))
    sleep 0.3
}
outcome_of() {
    read_topic alerts | jq -r --arg id "$1" 'select(.event.event_id == $id) | .decision.outcome + " " + .decision.reason'
}
console list add deny "card:$card" --reason 'reported stolen' --for 30000d >/dev/null && fail "a list takes any time" || true
console list add deny "card:$card" --reason 'reported stolen' >/dev/null
[ "$(console list show deny --json | jq -r '.entries[0].kind + ":" + .entries[0].token')" = "card:$card" ] ||
    fail "the list shows $(console list show deny --json)"
event denied-1 1000
[ "$(outcome_of denied-1)" = "block list" ] || fail "a denied card: $(outcome_of denied-1)"
read_topic alerts | jq -e 'select(.event.event_id == "denied-1") | .list.reason == "reported stolen"' >/dev/null ||
    fail "the alert does not say why"
# Who asks beforehand is told the same.
jq -c '.event_id = "denied-asked" | .event_time_ms += 1' "$scratch/one" >"$scratch/asked"
curl -s "http://$http/api/v1/score" -H 'Authorization: Bearer operator-token-0123456789' \
    -H 'Content-Type: application/json' -d @"$scratch/asked" >"$scratch/answer"
jq -e '.outcome == "block"' "$scratch/answer" >/dev/null || fail "asked, it says $(cat "$scratch/answer")"
# A card number is no token: it is refused on the list, not found off it, and stands nowhere after.
pan=4111111111111111
console list add deny "card:$pan" --reason stolen 2>"$scratch/refused" >&2 && fail "a card number is on the list" || true
console list add deny card:c --reason "it was $pan" 2>>"$scratch/refused" >&2 && fail "a card number is a reason" || true
console list remove deny "card:$pan" 2>>"$scratch/refused" >&2 && fail "a card number was on the list" || true
grep -q 'may be a raw card number' "$scratch/refused" || fail "a card number is refused with: $(cat "$scratch/refused")"
printf 'card:%s\t{"list":"deny","kind":"card","token":"%s"}\n' $pan $pan | kcat -P -b "$broker" -t lists -K '	'
wait_for 10 grep -q 'event=no_entry' "$scratch/log"
curl -s "http://$http/api/v1/audit" -H 'Authorization: Bearer operator-token-0123456789' >"$scratch/audit"
console list show --json >"$scratch/listed"
! grep -l "$pan" "$scratch/refused" "$scratch/log" "$scratch/audit" "$scratch/listed" ||
    fail "a card number was repeated"
# What stands in the file is taken off there while there is a topic.
printf '{"list":"deny","kind":"card","token":"of-the-file"}\n' >"$scratch/lists"
shows() { console list show deny --json | jq -e --arg token "$1" '.entries | any(.token == $token)'; }
wait_for 10 shows of-the-file
console list remove deny card:of-the-file 2>"$scratch/refused" && fail "a file that is only read was written" || true
grep -q 'alerts.lists_file' "$scratch/refused" || fail "nobody says where it stands: $(cat "$scratch/refused")"
shows of-the-file >/dev/null || fail "it is off nonetheless"
rm "$scratch/lists"
stop_daemon
start_daemon
wait_ready
event denied-2 2000
[ "$(outcome_of denied-2)" = "block list" ] || fail "a restart forgot the list: $(outcome_of denied-2)"
console list remove deny "card:$card"
console list add allow "card:$card" --reason "$(printf 'our own\302\2332J test card')" >/dev/null
console list show allow | grep -q "card:$card .* our own?2J test card, " ||
    fail "hostile text is not shown plainly: $(console list show allow | cat -v)"
kept() {
    metric 'hecate_alerts_suppressed_total.reason="list"'
}
before_list=$(kept)
event allowed-1 3000 50000 # an amount that a rule makes a review
[ -z "$(outcome_of allowed-1)" ] || fail "an allowed card alerts: $(outcome_of allowed-1)"
allowed=$(kept)
[ "$allowed" -gt "$before_list" ] || fail "an allowed card does not alert, but not because of its list"
[ "$(metric 'hecate_list_entries.list="allow"')" = 1 ] || fail "entries are not counted"
console list remove allow "card:$card"
event free-1 4000 50000
case $(outcome_of free-1) in *list*) fail "a removed entry still counts" ;; esac
[ "$(kept)" = "$allowed" ] || fail "a removed entry still keeps an alert back"
for verb in list_add list_remove; do
    curl -s "http://$http/api/v1/audit" -H 'Authorization: Bearer operator-token-0123456789' |
        jq -e --arg verb "$verb" '.audit | any(.verb == $verb and .code == 200)' >/dev/null || fail "$verb is not audited"
done

# ---- The breaker: when a card that is denied pays again and again, block becomes review
console list add deny "card:$card" --reason 'a loop' >/dev/null
grep -F "\"card_token\":\"$card\"" "$scratch/rest" | grep '"event_type":"card_auth"' | tail -1 >"$scratch/seed"
python3 - "$scratch/seed" >"$scratch/many" <<'END'
import json, sys
event = json.load(open(sys.argv[1]))
for n in range(2000):
    event.update(event_id='loop-%d' % n, event_time_ms=event['event_time_ms'] + 10, amount_minor=100)
    print(json.dumps(event, separators=(',', ':')))
END
before=$(metric hecate_events_processed_total)
produce "$scratch/many"
wait_done $((before + 2000))
sleep 0.5
read_topic alerts | jq -s 'map(select(.event.event_id | startswith("loop-"))) | group_by(.decision.outcome) |
    map({(.[0].decision.outcome): length}) | add' >"$scratch/loops"
[ "$(jq .block "$scratch/loops")" -ge 10 ] || fail "nothing was blocked before it broke: $(cat "$scratch/loops")"
[ "$(jq .review "$scratch/loops")" -gt 500 ] || fail "the breaker did not open: $(cat "$scratch/loops")"
[ "$(metric hecate_breaker_open)" = 1 ] || fail "the breaker is not in the metrics"
grep -q 'event=breaker_open' "$scratch/log" || fail "the breaker is not in the log"
console status --json | jq -e '.breaker_open == true' >/dev/null || fail "the breaker is not in the status"
# Without events for a window it is shown open no longer: there is nothing that it would turn.
sed -i 's/breaker_window_s = 86400/breaker_window_s = 10/' "$scratch/hecate.conf"
console reload --wait >/dev/null
is_shut() { [ "$(metric hecate_breaker_open)" = 0 ]; }
wait_for 30 is_shut
stop_daemon
