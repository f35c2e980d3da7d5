#!/bin/bash
# An event scored over HTTP is worth what it is worth on the topic, and leaves no trace; what cannot
# be scored is refused with the reason; who asks the wrong daemon is told the right one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl jq python3
start_broker
start_redis
make_bank 60 40
make_topics 2
write_config
total=$(wc -l <"$events")

# The last event of each user, and all that came before those.
jq -c 'select(.event_type | IN("card_auth", "transfer", "login", "account_change"))' "$events" >"$scratch/scored"
tac "$scratch/scored" | jq -c . | awk '{ match($0, /"user_token":"[^"]*"/); u = substr($0, RSTART, RLENGTH) } !seen[u]++' >"$scratch/last"
jq -r .event_id "$scratch/last" | sed 's/.*/"event_id":"&"/' >"$scratch/ids"
grep -vFf "$scratch/ids" "$events" >"$scratch/before"
# Terminals, devices and payees are shared: one of the last must not be in another's history.
start_daemon
wait_ready
produce "$scratch/before"
wait_done "$(wc -l <"$scratch/before")"

ask() { # TOKEN BODY: prints the answer, then the code
    curl -s -w '\n%{http_code}\n' -X POST "http://$http/api/v1/score" -H "Authorization: Bearer $1-token-0123456789" \
        -H 'Content-Type: application/json' -d "$2"
}

# ---- The same scores, and no trace
processed=$(metric hecate_events_processed_total)
python3 "$source/tests/integration/score.py" ask "$http" operator-token-0123456789 "$scratch/last" "$scratch/asked"
python3 "$source/tests/integration/score.py" ask "$http" operator-token-0123456789 "$scratch/last" "$scratch/again"
cmp "$scratch/asked" "$scratch/again" || fail "asking changed something"
[ "$(metric hecate_events_processed_total)" = "$processed" ] || fail "a question was counted as an event"
[ "$(read_topic scores | wc -l)" = "$(jq -c 'select(.event_type | IN("card_auth", "transfer", "login", "account_change"))' "$scratch/before" | wc -l)" ] ||
    fail "a question was published"
jq -se 'map(select((.reasons | length) > 0)) | length > 0' "$scratch/asked" >/dev/null || fail "no answer has a reason"
# One at a time: each of the last sees what came before all of them, as the question did.
head -n 1 "$scratch/last" >"$scratch/one"
id=$(jq -r .event_id "$scratch/one")
produce "$scratch/one"
wait_done "$(($(wc -l <"$scratch/before") + 1))"
head -n 1 "$scratch/asked" >"$scratch/one.asked"
read_topic scores | grep -F "\"$id\"" >"$scratch/one.scores"
python3 "$source/tests/integration/score.py" compare "$scratch/one.asked" "$scratch/one.scores"

# ---- What has no score says why
code() { # CODE JQ TOKEN BODY
    ask "$3" "$4" >"$scratch/answer"
    [ "$(tail -1 "$scratch/answer")" = "$1" ] || fail "not $1: $(cat "$scratch/answer")"
    head -n -1 "$scratch/answer" | jq -e "$2" >/dev/null || fail "not $2: $(cat "$scratch/answer")"
}
one=$(cat "$scratch/one")
code 409 '.detail | test("already")' operator "$one"
code 403 '.status == 403' analyst "$one"
code 401 '.status == 401' nobody "$one"
code 400 '.status == 400' operator '{"event_id":'
code 422 '.errors[0] == {code: "missing_field", field: "user_token", message: "a required field is absent"}' operator \
    "$(jq -c 'del(.user_token)' "$scratch/one")"
code 422 '.errors[0].code == "card_number"' operator "$(jq -c '.event_id = "4111111111111111"' "$scratch/one")"
code 422 '.errors[0].code == "time_future"' operator "$(jq -c '.event_id = "x" | .event_time_ms = 4000000000000' "$scratch/one")"
code 422 '.detail | test("label")' operator "$(grep -m1 '"event_type":"label"' "$events")"
curl -s "http://$http/api/v1/score" -H "Authorization: Bearer operator-token-0123456789" -o /dev/null -w '%{http_code}' |
    grep -q 405 || fail "a GET has a score"

# ---- The other daemon has the other partition, and each knows it
sed -e 's/instance = test/instance = other/' -e 's/admin\.sock/other.sock/' "$scratch/hecate.conf" >"$scratch/other.conf"
"$hecated" -c "$scratch/other.conf" >"$scratch/other.log" 2>&1 &
later $!
wait_for 60 grep -q event=ready "$scratch/other.log"
other=$(sed -n 's/.*event=listening.*address="\{0,1\}\([0-9.:]*\).*/\1/p' "$scratch/other.log")
ours() {
    [ "$(curl -sf "http://$http/metrics" | awk '/^hecate_kafka_assigned_partitions/ { print $2 }')" = 1 ]
}
wait_for 30 ours
# The group may be on its way from one generation to the next for a moment.
everybody_is_known() {
    while read -r event; do
        ask operator "$event" | grep -qE '^200$|"owner":"other-0"' || return 1
    done < <(sed 1d "$scratch/last" | head -20)
}
wait_for 30 everybody_is_known
first=$http here=0 there=0
while read -r event; do
    http=$first
    ask operator "$event" >"$scratch/answer"
    case $(tail -1 "$scratch/answer") in
    200) here=$((here + 1)) ;;
    421)
        there=$((there + 1))
        head -n -1 "$scratch/answer" | jq -e '.owner == "other-0" and (.owner_host | length) > 0 and
            (.detail | test("is with other-0 on .*: send the event to"))' \
            >/dev/null || fail "the owner is not named: $(cat "$scratch/answer")"
        http=$other
        ask operator "$event" | tail -1 | grep -q 200 || fail "nor does the owner answer: $(ask operator "$event")"
        ;;
    *) fail "neither here nor there: $(cat "$scratch/answer")" ;;
    esac
done < <(sed 1d "$scratch/last" | head -20)
[ "$here" -gt 0 ] && [ "$there" -gt 0 ] || fail "$here here, $there there"
http=$first
stop_daemon
! grep -v librdkafka "$scratch/log" | grep -E 'level=error' || fail "it complained"
echo "good: $here here, $there there"
