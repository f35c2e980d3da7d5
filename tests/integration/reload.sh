#!/bin/bash
# Changed settings under a running daemon: taken whole or not at all, told key by key, by console
# and by signal; and a hundred times under load, without an event judged by two.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl jq python3
start_broker
start_redis
make_bank
make_topics 1
write_config
cp "$model" "$scratch/model.a"
"$hecate" train --data "$events" --out "$scratch/model.b" --train-from 2025-01-13 \
    --train-to 2025-02-05 --features "$features" --seed 99 >"$scratch/train.log" 2>&1 ||
    fail "no second model: $(tail -1 "$scratch/train.log")"
sha_a=$(sha256sum "$scratch/model.a" | cut -d' ' -f1)
sha_b=$(sha256sum "$scratch/model.b" | cut -d' ' -f1)
mkdir "$scratch/hecate.conf.d"

site() {
    printf '%s\n' "$@" >"$scratch/hecate.conf.d/site.conf"
}
# Another file under the same name, at once and whole.
use_model() {
    cp "$scratch/model.$1" "$scratch/model.new"
    mv "$scratch/model.new" "$model"
}
reload() {
    "$hecate" reload --config "$scratch/hecate.conf" "$@" >"$scratch/said" 2>&1
}
says() {
    grep -qF -- "$1" "$scratch/said" || fail "reload does not say '$1': $(cat "$scratch/said")"
}
state() {
    "$hecate" status --config "$scratch/hecate.conf" --json | jq -er "$1"
}
alert_score='.heads[] | select(.name == "ato") | .alert_score'
logged() {
    [ "$(grep -c "event=$1" "$scratch/log")" -ge "$2" ]
}

site 'head ato { alert_score = 500 }'
start_daemon
wait_ready
[ "$(metric hecate_config_last_reload_successful)" = 1 ] || fail "it does not begin as good"
reload --wait || fail "nothing to reload is no failure: $(cat "$scratch/said")"
says 'nothing has changed'

# ---- What may change is taken, the rest is told
site 'head ato { alert_score = 600 } state { cache_mib = 64 } log { level = debug }'
reload --wait || fail "good settings are refused: $(cat "$scratch/said")"
says 'applied:       head.ato.alert_score: 500 -> 600'
says 'applied:       log.level: info -> debug'
says 'needs restart: state.cache_mib: 512 -> 64'
[ "$(state "$alert_score")" = 600 ] || fail "status knows $(state "$alert_score")"
[ "$(state .log_level)" = debug ] || fail "the log level is $(state .log_level)"
reload --wait --json || fail "the same again: $(cat "$scratch/said")"
[ "$(jq -r '.applied | length' "$scratch/said") $(jq -r '.needs_restart[].key' "$scratch/said")" = \
    '0 state.cache_mib' ] || fail "the same again gives $(cat "$scratch/said")"

# ---- A mistake anywhere leaves everything as it was, and every mistake is told
refused() {
    ! reload --wait || fail "a mistake is taken: $(cat "$scratch/hecate.conf.d/site.conf")"
    [ "$(metric hecate_config_last_reload_successful)" = 0 ] || fail "the metric says good"
    [ "$(state "$alert_score")" = 600 ] || fail "a refused reload changed the threshold"
    [ "$(state .model.sha256)" = "$sha_a" ] || fail "a refused reload changed the model"
}
site 'head ato { alert_score = 700 treshold = 3 }' 'log { level = loud }'
refused
says 'site.conf:1: unknown key "treshold"'
says 'site.conf:2: level of log must be'
site 'head ato { alert_score = 700 block_score = 10 }'
refused
says 'block_score 10 is below'
site 'head ato { alert_score = 700 }'
head -c 5000 "$scratch/model.b" >"$scratch/model.half"
use_model half
refused
says "$model"
[ "$(metric 'hecate_model_loads_total{result="refused"}')" = 1 ] || fail "a refused model is not counted"
kill -HUP "$daemon"
wait_for 5 logged reload_refused 4

# ---- By signal
use_model b
kill -HUP "$daemon"
wait_for 10 logged reloaded 4
[ "$(state "$alert_score")" = 700 ] || fail "SIGHUP left the threshold at $(state "$alert_score")"
[ "$(state .model.sha256)" = "$sha_b" ] || fail "SIGHUP did not take the model"
[ "$(metric hecate_config_last_reload_successful)" = 1 ] || fail "the metric still says refused"
[ "$(metric "hecate_model_info.*sha256=\"${sha_b:0:12}\"")" = 1 ] || fail "the metric names another model"

# ---- A hundred times under load: model and thresholds change together, between two batches
site 'head card_fraud { alert_score = 401 } head ato { alert_score = 402 }'
reload --wait || fail "reload before the load: $(cat "$scratch/said")"
total=$(wc -l <"$events")
split -n l/101 -d -a 3 "$events" "$scratch/slice."
# Each reload meets a slice of the events on its way, however slow either is: events of one model
# follow those of the other.
reload_to() {
    use_model "$1"
    site "head card_fraud { alert_score = $2 } head ato { alert_score = $3 }"
    produce "$scratch/slice.$(printf %03d "$4")" &
    producer=$!
    reload --wait || fail "reload $4, to $1: $(cat "$scratch/said")"
    wait "$producer"
}
produce "$scratch/slice.000"
for i in $(seq 1 2 100); do
    reload_to a 301 302 "$i"
    reload_to b 401 402 $((i + 1))
done
wait_done "$total" 120
[ "$(metric hecate_events_processed_total)" = "$total" ] || fail "events are missing, or are twice"
logged reloaded 105 || fail "not every reload is in the log"
stop_daemon

for one in a b; do
    "$hecate" score --model "$scratch/model.$one" --data "$events" \
        --out "$scratch/offline.$one.csv" 2>/dev/null
done
read_topic scores >"$scratch/scores"
read_topic alerts >"$scratch/alerts"
python3 "$source/tests/integration/reload.py" "$scratch" "$sha_a" "$sha_b" || exit 1
