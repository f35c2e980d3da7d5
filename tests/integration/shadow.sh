#!/bin/bash
# A second model in the same pass: its scores are those of a daemon that has it as its only model, a
# reload swaps it and takes it away, and a model of other features is refused with a sentence.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl jq
start_broker
start_redis
make_bank 60 40
other=$scratch/other.safetensors
"$hecate" train --data "$events" --out "$other" --train-from 2025-01-13 --train-to 2025-02-05 --seed 9 \
    --features "$features" >"$scratch/train.log" 2>&1 || fail "no second model: $(tail -1 "$scratch/train.log")"
# One partition: what is seen of terminals and payees then hangs on the log's order alone, in both
# daemons alike.
make_topics 1
for topic in watched alerts2 scores2 dead2; do
    "$support/broker.sh" topic "$scratch/broker" "$topic" 1 retention.ms=-1
done
write_config
sed -i -e 's/score_topic = scores/score_topic = scores shadow_topic = watched/' \
    -e "s|^model .*|model { file = \"$model\" shadow_file = \"$other\" }|" "$scratch/hecate.conf"
total=$(wc -l <"$events")
half=$((total / 2))
head -n "$half" "$events" >"$scratch/first"
tail -n +"$((half + 1))" "$events" >"$scratch/second"

console() {
    "$hecate" "$@" --config "$scratch/hecate.conf"
}

# Scores by event, head and model: "id head model probability".
flat() {
    read_topic "$1" | jq -r '. as $r | .heads | to_entries[] | [$r.event_id, .key, $r.model, .value.probability] | @tsv' | sort
}

start_daemon
wait_ready
produce "$scratch/first"
wait_done "$half"

# ---- One record beside each score, of the other model
[ "$(metric 'hecate_kafka_produced_total.*shadow')" = "$(metric 'hecate_kafka_produced_total.*score')" ] ||
    fail "not one shadow score a score"
curl -sf "http://$http/metrics" >"$scratch/metrics"
grep -q "hecate_model_info{role=\"shadow\".*$(sha256sum "$other" | cut -c1-12)" "$scratch/metrics" ||
    fail "the metrics do not name the shadow"
flat watched >"$scratch/watched"

# ---- The same as a daemon with that model alone
sed -e 's/instance = test/instance = alone/; s/group = test/group = alone/; s/admin\.sock/alone.sock/' \
    -e 's/alert_topic = alerts/alert_topic = alerts2/; s/score_topic = scores shadow_topic = watched/score_topic = scores2/' \
    -e 's/dead_letter_topic = dead/dead_letter_topic = dead2/; s|redis_address|key_prefix = alone redis_address|' \
    -e "s|^model .*|model { file = \"$other\" }|" "$scratch/hecate.conf" >"$scratch/alone.conf"
"$hecated" -c "$scratch/alone.conf" >"$scratch/alone.log" 2>&1 &
alone=$!
later "$alone"
all_there() {
    [ "$(read_topic scores2 | wc -l)" -ge "$(read_topic scores | wc -l)" ]
}
wait_for 60 all_there
kill "$alone"
wait "$alone" || fail "the other daemon ended badly: $(tail -3 "$scratch/alone.log")"
flat scores2 >"$scratch/alone"
paste "$scratch/watched" "$scratch/alone" | awk -F '\t' '
    $1 != $5 || $2 != $6 || $3 != $7 { print "other rows: " $0; exit 1 }
    { d = $4 - $8; d = d < 0 ? -d : d; if (d > most) most = d; if (d > 1e-5) apart++; n++ }
    END { printf "%d scores, %.2g apart at most, %d beyond 1e-5\n", n, most, apart; exit apart > 0 || n < 1000 }' ||
    fail "the shadow does not score as the model does alone"

# ---- The report
console shadow --json >"$scratch/report"
jq -e '.events > 300 and .heads.card_fraud.pairs > 100 and .heads.card_fraud.difference_max > 0 and
    .heads.card_fraud.alerts_of_both <= .heads.card_fraud.alerts' "$scratch/report" >/dev/null ||
    fail "the report says: $(cat "$scratch/report")"
console shadow >"$scratch/said"
grep -q "^card_fraud " "$scratch/said" || fail "the report names no head"

# ---- A reload swaps it: now it is the model itself, and says the same
sed -i "s|shadow_file = \"[^\"]*\"|shadow_file = \"$model\"|" "$scratch/hecate.conf"
console reload --wait >"$scratch/said"
grep -q 'model.shadow_file' "$scratch/said" || fail "the reload does not tell"
produce "$scratch/second"
wait_done "$total"
console shadow --json >"$scratch/report"
jq -e '.model == .shadow and .events > 300 and ([.heads[].difference_max] | max) < 1e-5' "$scratch/report" >/dev/null ||
    fail "the same model says something else: $(cat "$scratch/report")"

# ---- Other features are refused, and all stays
"$hecate" train --data "$events" --out "$scratch/narrow.safetensors" --train-from 2025-01-13 --train-to 2025-02-05 \
    --features "$source/conf/features-handbook.conf" >"$scratch/train.log" 2>&1
sed -i "s|shadow_file = \"[^\"]*\"|shadow_file = \"$scratch/narrow.safetensors\"|" "$scratch/hecate.conf"
status=0
console reload --wait >"$scratch/said" 2>&1 || status=$?
[ "$status" != 0 ] && grep -q 'model.shadow_file: .*features' "$scratch/said" || fail "refused with $status: $(cat "$scratch/said")"

# ---- And it is taken away
sed -i "s|shadow_file = \"[^\"]*\"||" "$scratch/hecate.conf"
console reload --wait >/dev/null
before=$(metric 'hecate_kafka_produced_total.*shadow')
head -n 200 "$scratch/first" | sed 's/"event_id":"/"event_id":"again-/' >"$scratch/third"
produce "$scratch/third"
wait_done $((total + 200))
[ "$(metric 'hecate_kafka_produced_total.*shadow')" = "$before" ] || fail "it still watches"
stop_daemon

# ---- The newest record says which model is in use, whichever partition is read last
record() { # EVENT MODEL PARTITION TOPIC
    printf '{"event_id":"%s","model":"%s","heads":{"card_fraud":{"probability":0.5}}}\n' "$1" "$2" |
        kcat -P -b "$broker" -t "$4" -p "$3"
}
for new in 0 1; do
    for topic in "scores.$new" "watched.$new"; do
        "$support/broker.sh" topic "$scratch/broker" "$topic" 2 retention.ms=-1
        record e-old aaaaaaaaaaaa $((1 - new)) "$topic"
        sleep 0.01
        record e-new bbbbbbbbbbbb "$new" "$topic"
    done
    sed "s/score_topic = scores shadow_topic = watched/score_topic = scores.$new shadow_topic = watched.$new/" \
        "$scratch/hecate.conf" >"$scratch/newest.conf"
    "$hecate" shadow --json --config "$scratch/newest.conf" >"$scratch/report"
    jq -e '.model == "bbbbbbbbbbbb" and .shadow == "bbbbbbbbbbbb" and .events == 1' "$scratch/report" >/dev/null ||
        fail "the newest record lies in partition $new: $(cat "$scratch/report")"
done
! grep -v librdkafka "$scratch/log" | grep -E 'level=error' | grep -v reload_refused || fail "it complained"
echo good
