#!/bin/bash
# The operator's tools over a real broker: offsets set back are a plan first and then exactly what
# the plan says; dead letters are listed, shown and sent again; doctor tries its rights.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl python3 jq
start_broker
start_redis
make_bank
make_topics 2
write_config
config=(--config "$scratch/hecate.conf")
count=600
head -n "$count" "$events" >"$scratch/events"
expected=$(grep -cE '"event_type":"(card_auth|transfer|login|account_change)"' "$scratch/events")
said() { grep -qE "$1" "$scratch/said" || fail "it does not say '$1': $(cat "$scratch/said")"; }

# ---- doctor tries what the daemon will do, and leaves nothing behind
produce "$scratch/events"
"$hecate" doctor "${config[@]}" >"$scratch/said" 2>&1 || fail "doctor: $(cat "$scratch/said")"
said 'ok +group +test has 0 members and is 600 offsets behind'
said 'ok +outputs +.* rolled back'
for topic in alerts scores dead; do
    [ "$(read_topic "$topic" | wc -l)" = 0 ] || fail "doctor has left a record on $topic"
done
token=$(head -n 1 "$scratch/events" | jq -r .user_token)
for partition in 0 1; do
    printf '%s\tno event\n' "$token" |
        kcat -P -b "$broker" -t events -p "$partition" -K '	' -H "trace=t$partition"
done

# ---- A run, and where it stands
start_daemon
wait_ready
wait_done $((count + 2))
is_told() { [ "$(read_topic scores | wc -l)" -ge "$expected" ]; }
wait_for 30 is_told
"$hecate" offsets show "${config[@]}" >"$scratch/said"
said 'GROUP +TOPIC +PARTITION +CURRENT-OFFSET +LOG-END-OFFSET +LAG'
[ "$(awk 'NR > 1 { sum += $4 } END { print sum }' "$scratch/said")" = $((count + 2)) ] ||
    fail "the offsets are others: $(cat "$scratch/said")"
! "$hecate" offsets reset --to-earliest --execute "${config[@]}" >"$scratch/said" 2>&1 ||
    fail "offsets were set under a running daemon"
said 'still has 1 members'
stop_daemon

# ---- Back to the start: first the plan, then the act; the state is built anew, all is told again
"$hecate" offsets reset --to-earliest "${config[@]}" >"$scratch/said"
said 'published a second time; the state, which is ahead, is built anew'
said 'nothing was changed'
"$hecate" offsets show "${config[@]}" | awk 'NR > 1 && $4 == 0 { exit 1 }' ||
    fail "a plan has changed something"
"$hecate" offsets reset --to-earliest --execute "${config[@]}" >"$scratch/said"
said '^done'
start_daemon
wait_ready
is_told_twice() { [ "$(read_topic scores | wc -l)" -ge $((2 * expected)) ]; }
wait_for 60 is_told_twice
stop_daemon
read_topic scores | jq -cS '{event_id, outcome}' | sort | uniq -c |
    awk '$1 != 2 { bad++ } END { exit bad > 0 }' || fail "not every event was told twice, alike"

# ---- Forward: nothing is published in between, and it counts in the state
produce "$scratch/events"
"$hecate" offsets reset --to-latest --execute "${config[@]}" >"$scratch/said"
said 'get no output; their events still count'
start_daemon
wait_ready
[ "$(metric hecate_events_replayed_total)" -ge "$count" ] || fail "what was skipped is not in the state"
[ "$(read_topic scores | wc -l)" = $((2 * expected)) ] || fail "what was skipped was published"

# ---- Dead letters: counted, shown, sent again once the cause is gone
"$hecate" dlq list "${config[@]}" >"$scratch/said"
said '^ +4  not_json'
said '4 of 4 dead letters match'
offsets=($(awk '$1 ~ /^[0-9]+$/ && $3 ~ /T/ { print $2 }' "$scratch/said"))
[ "${#offsets[@]}" = 4 ] || fail "not four lines: $(cat "$scratch/said")"
"$hecate" dlq show --partition 0 --from "${offsets[0]}" --to "${offsets[0]}" "${config[@]}" >"$scratch/said"
said '__hecate.errors.code +not_json'
said '^value +no event'
! "$hecate" dlq show --code none "${config[@]}" 2>/dev/null || fail "there is no such dead letter"
"$hecate" dlq replay --code not_json --from "${offsets[2]}" "${config[@]}" >"$scratch/said"
said '2 would be sent to events'
said 'nothing was sent'
"$hecate" dlq replay --code not_json --from "${offsets[2]}" --execute "${config[@]}" >"$scratch/said"
said '2 were sent to events'
said "\-\-from $((offsets[3] + 1)) leaves out"
kcat -C -q -b "$broker" -t events -o beginning -e -f '%h %s\n' | grep ' no event$' | sort | uniq -c >"$scratch/again"
[ "$(awk '{ print $1, $2 }' "$scratch/again" | paste -sd' ')" = '2 trace=t0 2 trace=t1' ] ||
    fail "what is sent again has other headers than its own: $(cat "$scratch/again")"
has_six() { [ "$(read_topic dead | wc -l)" = 6 ]; }
wait_for 30 has_six
stop_daemon
echo "doctor, offsets and dlq do what they say"
