#!/bin/bash
# The faults of the field, one row each: a fault, over a real broker and a real Redis (or over the
# simulator's, where the moment has to be chosen to the step), and what has to hold all the same.
#
#   faults_table.sh [ROW...]      default all; prints `F12 pass FIGURE (seed 7)`, at the end the table
#
# Rows that an integration test or the simulator shows are that test, run here. SEED makes the
# moments repeat, LOGS keeps what each row said. Exit status 0: every row passes.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=${HECATE_BUILD:-$source/build}
export SEED=${SEED:-7} HECATE_BUILD=$build
FAULTS_BANK=$(mktemp -d "${TMPDIR:-/tmp}/hec.XXXXXX")
logs=${LOGS:-$FAULTS_BANK/logs}
export FAULTS_BANK
mkdir -p "$logs"
trap 'rm -rf "$FAULTS_BANK"' EXIT

test_of() { "$source/tests/integration/$1.sh"; }
unit_of() { # NAME: of tests/daemon or tests/core
    "$build/tests/test-$1" --tap -j1 >"$FAULTS_BANK/tap" || { cat "$FAULTS_BANK/tap"; return 1; }
    echo "$(grep -c '^ok' "$FAULTS_BANK/tap") cases of $1"
}
simulate() { # SEEDS FIRST: kills and lost answers at any step; I1 to I13 hold after each
    "$build/tests/simulator/simulator" --seed "$2" --count "$1" --jobs 2 | tail -1
}

# ROW | what fails | how it is shown
table() {
    cat <<-'END'
	F1 | kill -9 at any step (simulator: 12 per mille of all steps) | simulate 300 1000
	F2 | kill -9 every 0.2 to 3 s under load | faults kill 60
	F3 | one of two daemons stopped for 30 s, then woken | faults zombie 30
	F3b | three daemons, six partitions: one killed, one stopped for 90 s and woken | faults group 90
	F4 | two processes of one identity | process f4
	F5 | instances come and go every 10 s | process f5 60
	F6 | a coordinator's every error, at any call | simulate 300 2000
	F7 | an output above the broker's limit | test_of poison
	F8 | the answer to EndTxn lost, doubled, late | simulate 300 3000
	F9 | broker killed and restarted under load | kafka f9
	F10 | a broker that is silent for 60 s | kafka f10 60
	F11 | a broker 200 ms away | kafka f11
	F12 | input topic deleted and made again | kafka f12
	F13 | partitions added to the input | kafka f13
	F14 | the group's offsets moved by another tool | kafka f14
	F15 | the group's offsets expired | kafka f15
	F16 | retention passes what is stored | kafka f16
	F17 | Redis killed, back with its log | redis f17
	F18 | FLUSHALL under a daemon at work | redis f18
	F19 | an older copy of Redis takes over (simulator) | simulate 300 4000
	F20 | Redis sleeps for 3 s, repeatedly | redis f20
	F21 | the connection to Redis cut at any byte | redis f21
	F22 | Redis has no memory left | redis f22
	F23 | Redis is told to evict | redis f23
	F24 | Redis away for a minute at full rate | faults outage 60
	F25 | hostile records, one of two | test_of hostile
	F26 | a burst of garbage | test_of poison
	F28 | no descriptors, no memory, a full disk, a broken inbox | process f28
	F29 | reload of broken, truncated, hostile settings and models | test_of reload
	F30 | a hundred reloads under load | test_of reload
	F31 | HTTP: slow, large, many | unit_of daemon-http_http
	F32 | SIGTERM at random, twice, without Redis | process f32
	F33 | an engine that hangs | process f33
	F34 | bits turn over in stored records | redis f34
	F35 | one customer makes nine events of ten | redis f35
	F36 | five minutes of events while all three die at random (an hour: make proof-soak) | soak 300 2000
	F37 | a stored record of another version | unit_of core-state_record
	F38 | card numbers in every field | test_of hostile
	END
}

faults() { "$here/faults.sh" "$@"; }
kafka() { "$here/faults_kafka.sh" "$@"; }
redis() { "$here/faults_redis.sh" "$@"; }
process() { "$here/faults_process.sh" "$@"; }
soak() { "$here/soak.sh" "$@"; }

failed=0 told=()
while IFS='|' read -r row what how; do
    row=${row// /} what=${what## } how=${how## }
    [ $# -eq 0 ] || [[ " $* " == *" $row "* ]] || continue
    began=$SECONDS
    status=0
    $how >"$logs/$row" 2>&1 </dev/null || status=$?
    case $status in
    0) verdict=pass ;;
    77) verdict=skip ;;
    *)
        verdict=FAIL
        failed=$((failed + 1))
        ;;
    esac
    line="$row $verdict $(grep -v '^$' "$logs/$row" | tail -1 | cut -c1-300) (seed $SEED, $((SECONDS - began)) s)"
    echo "$line"
    told+=("| $row | ${what% } | $verdict | $(grep -v '^$' "$logs/$row" | tail -1 | cut -c1-300) |")
done < <(table)
printf '\n| row | fault | verdict | figure |\n|---|---|---|---|\n'
printf '%s\n' "${told[@]}"
[ "$failed" = 0 ]
