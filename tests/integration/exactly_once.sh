#!/bin/bash
# Source and sink over a real broker: every record of the input once in the output, also when
# transactions are rolled back and when the process is shot, wherever it is just then.
. "$(dirname "$0")/lib.sh"
need kcat
passthrough=$build/tests/bench/passthrough
records=${RECORDS:-60000}
shots=${SHOTS:-8}
start_broker
"$support/broker.sh" topic "$scratch/broker" input 4
"$support/broker.sh" topic "$scratch/broker" output 4
"$support/broker.sh" topic "$scratch/broker" again 4

seq "$records" | awk '{ printf "u%d\t%d\n", $1 % 997, $1 }' >"$scratch/records"
kcat -P -b "$broker" -t input -K '	' -z lz4 -X partitioner=murmur2_random -l "$scratch/records"

# A slow fetch, so that each shot meets it at work.
pass() {
    "$passthrough" --brokers "$broker" --from input --to output --group shot --commit-ms 10 \
        --rows 16 --commit-rows 300 --abort-every 5 "$@" 2>>"$scratch/passthrough.log"
}
for _ in $(seq "$shots"); do
    pass --idle-ms 60000 &
    victim=$!
    later "$victim"
    sleep "0.$((RANDOM % 6 + 3))"
    kill -9 "$victim" 2>/dev/null || true
    wait "$victim" 2>/dev/null || true
done
wait_for 60 pass --idle-ms 3000

# All that a reader of committed records sees, against all that was sent.
read_all() {
    kcat -C -b "$broker" -t "$1" -o beginning -e -q -X isolation.level=read_committed \
        -f '%k\t%s\n' | sort
}
sort "$scratch/records" >"$scratch/expected"
read_all output >"$scratch/found"
cmp -s "$scratch/expected" "$scratch/found" ||
    fail "the output differs: $(comm -23 "$scratch/expected" "$scratch/found" | wc -l) missing," \
        "$(comm -13 "$scratch/expected" "$scratch/found" | wc -l) too many"
aborted=$(kcat -C -b "$broker" -t output -o beginning -e -q -X isolation.level=read_uncommitted \
    -f '%s\n' | wc -l)
[ "$aborted" -gt "$records" ] || fail "no transaction was rolled back: nothing was proved"
echo "$records records once each over $shots shots; $((aborted - records)) were rolled back"

# A topic that was written in transactions ends with markers, and the lag is 0 all the same.
line=$("$passthrough" --brokers "$broker" --from output --to again --idle-ms 5000 \
    2>>"$scratch/passthrough.log")
echo "$line"
case "$line" in
"events=$records "*" lag=0") ;;
*) fail "reading a transactional topic to its end gave: $line" ;;
esac
read_all again >"$scratch/found"
cmp -s "$scratch/expected" "$scratch/found" || fail "the second hop lost or doubled records"
