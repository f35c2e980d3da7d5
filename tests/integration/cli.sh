#!/bin/bash
# The command line as a whole: help, mistakes and exit statuses; and one stream from gen through
# train and score to alerts.
. "$(dirname "$0")/lib.sh"
need jq zstd

# Runs hecate and holds its exit status against the one expected; output in $scratch/out and err.
expect() {
    local wanted=$1 status=0
    shift
    "$hecate" "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
    [ "$status" -eq "$wanted" ] ||
        fail "hecate $*: exit status $status, expected $wanted: $(cat "$scratch/err")"
}
says() {
    grep -qF -- "$1" "$scratch/$2" || fail "$2 should say \"$1\": $(cat "$scratch/$2")"
}

expect 0 --help
for command in gen import train score features replay model config version; do
    says "  $command " out
done
for command in $(sed -n 's/^  \([a-z]*\)  .*/\1/p' "$scratch/out"); do
    expect 0 "$command" --help
    says "Usage: hecate $command" out
    [ "$(grep -n "hecate $command" "$scratch/out" | sed -n 2p | cut -d: -f1)" -le 4 ] ||
        fail "the help of $command should begin with its examples"
    cp "$scratch/out" "$scratch/help"
    expect 0 help "$command"
    cmp -s "$scratch/out" "$scratch/help" || fail "help $command is not $command --help"
done
expect 0 --version
says "hecate 0" out
expect 2
expect 2 trian
says "did you mean train?" err
expect 2 train --dat x
says "did you mean --data?" err
expect 2 score --model
says "needs a value" err
expect 2 gen --users 5 --days 10 --out -
says "10 .. " err
expect 2 config chek
expect 2 model look "$scratch/none"
expect 2 import no_such_map --in - --out -
says "no column map" err
expect 1 score --model "$scratch/none" --data "$scratch/none" --out -
says "No such file" err
expect 78 config check --config "$scratch/none"
expect 78 features --data /dev/null --out - --features "$scratch/none"
expect 0 config default
cp "$scratch/out" "$scratch/default.conf"
expect 0 config show --config "$scratch/default.conf"

# Settings: compared, explained, and each mistake told.
minimal=$source/conf/hecate-minimal.conf
sed 's/payments.events.v1/other.events.v1/' "$minimal" >"$scratch/other.conf"
mkdir "$scratch/other.conf.d"
echo 'head ato { mode = shadow } kafka { sasl.password = hunter2 }' >"$scratch/other.conf.d/1.conf"
expect 0 config diff "$minimal" --config "$minimal"
expect 1 config diff "$scratch/other.conf" --config "$minimal"
says "input.topic  (restart)" out
says "head.ato.mode  (reload)" out
! grep -q hunter2 "$scratch/out" || fail "config diff shows a password"
expect 0 config show --json --config "$scratch/other.conf"
! grep -q hunter2 "$scratch/out" || fail "config show --json shows a password"
[ "$(jq -r '.[] | select(.key == "head.ato.mode") | .origin' "$scratch/out")" = \
    "$scratch/other.conf.d/1.conf:1" ] || fail "a drop-in's line is not told"
expect 0 config explain head.alert_score
says "reload" out
expect 1 config explain state.cache_mb
says 'did you mean "state.cache_mib"' err
expect 2 config explain
expect 2 config check "$minimal"
chmod o+r "$scratch/other.conf.d/1.conf"
expect 0 config check --offline --config "$scratch/other.conf"
says "everybody may read" err
expect 78 config check --offline --strict --config "$scratch/other.conf"
expect 78 config check --offline --config "$minimal" --set kafka.bootstrap.server=k
says 'did you mean "bootstrap.servers"' err

# A stream, packed and plain alike.
cd "$scratch"
expect 0 gen --users 300 --days 40 --seed 7 --out e.ndjson --truth truth.csv
expect 0 gen --users 300 --days 40 --seed 7 --out e.ndjson.zst
zstd -qdc e.ndjson.zst | cmp - e.ndjson || fail "the packed stream differs from the plain one"
[ -z "$(ls ./*.part 2>/dev/null)" ] || fail "half-written files are left"

window=(--train-from 2025-01-13 --train-to 2025-02-05 --known-at 2025-02-12 --seed 3)
expect 0 train --data e.ndjson.zst --out m1 "${window[@]}"
says "card_fraud" out
says "$(sha256sum m1 | cut -d' ' -f1)" out
expect 0 train --data e.ndjson --out m2 "${window[@]}"
cmp m1 m2 || fail "the same events, flags and seed should give the same model"
if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
    OPENBLAS_CORETYPE=Haswell expect 0 train --data e.ndjson --out m2 "${window[@]}"
    cmp m1 m2 || fail "the kernels should be those that every processor with AVX2 has"
fi
expect 2 train --data e.ndjson --out m3 --train-from 2025-02-01 --train-to 2025-01-01
expect 2 train --data e.ndjson --out m3 --train-from 2025-01-13 --train-to 2025-01-15
says "mature" err
[ ! -e m3 ] || fail "a failed train left a model"
expect 0 model inspect m1
says "card_fraud" out

# A row for every scored event in input order, from one file or from two halves.
expect 0 score --model m1 --data e.ndjson --out s1.csv
head -n 9000 e.ndjson >a.ndjson
tail -n +9001 e.ndjson >b.ndjson
expect 0 score --model m1 --data a.ndjson b.ndjson --out s2.csv
cut -d, -f1-4 s1.csv >k1
cut -d, -f1-4 s2.csv >k2
cmp k1 k2 || fail "two halves are not the whole"
jq -r 'select(.event_type | IN("card_auth", "transfer", "login", "account_change")) |
    [.event_id, .event_type, .event_time_ms, .user_token] | map(tostring) | join(",")' \
    e.ndjson >wanted
tail -n +2 s1.csv | cut -d, -f1-4 | cmp - wanted || fail "rows are missing, extra or out of order"
awk -F, 'NR > 1 && ($5 == "") != ($2 == "login" || $2 == "account_change") { bad = 1 }
    NR > 1 && ($6 == "" || $7 == "") { bad = 1 } END { exit bad }' s1.csv ||
    fail "a head is empty where it applies, or not where it does not"

# Scores rank what was planted far above the rest. There are 16 such events in so small a stream:
# what counts is how much more often they are flagged than the innocent.
judged=$(awk -F, '
    NR == FNR { if ($4 == 1) crime[$1] = $2; next }
    FNR > 1 && $3 >= 1738713600000 && $6 != "" {
        if (crime[$1] == "ato") { n++; hit += $6 > 0.1 } else { m++; miss += $6 > 0.1 } }
    END { print (n > 0 && hit / n > 0.15 && hit / n > 20 * miss / m), hit "/" n, miss "/" m }' \
    truth.csv s1.csv)
[ "${judged%% *}" = 1 ] || fail "the takeover head does not tell crimes from the rest: $judged"

# Bad lines are counted and told, and change nothing else.
{
    head -n 5000 e.ndjson
    printf '%s\n' '{"event_id":1}' 'not json' '{"event_type":"card_auth","event_type":"login"}'
    tail -n +5001 e.ndjson
} >bad.ndjson
expect 0 score --model m1 --data bad.ndjson --out s3.csv
says "refused 1: not_json" err
says "bad.ndjson:5002" err
cut -d, -f1-4 s3.csv | cmp - k1 || fail "refused lines changed other rows"

expect 0 replay --model m1 --data e.ndjson --alerts alerts.ndjson --scores scores.ndjson
[ "$(wc -l <scores.ndjson)" -eq "$(wc -l <wanted)" ] || fail "a scored event has no score record"
jq -e -s 'length > 0 and all(.alert_id and .head and (.reasons | type == "array"))' \
    alerts.ndjson >/dev/null || fail "alerts are not as they should be"
expect 0 features --data a.ndjson --out f.csv.zst
expect 0 features export --data a.ndjson --out g.csv.zst
cmp f.csv.zst g.csv.zst || fail "features export is another word for features"
expect 2 features look --data a.ndjson --out -
expect 2 features --data a.ndjson
expect 2 features --out -
expect 2 features list user_age
expect 2 features explain
expect 2 features explain user_agee
{ "$hecate" features explain user_agee 2>&1 || true; } | grep -q 'did you mean "user_age"' ||
    fail "a name that is nearly right is not guessed"
"$hecate" features list >"$scratch/list" || fail "features list"
[ "$("$hecate" features --data a.ndjson --out - | head -1 | tr , '\n' | tail -n +5 | sort)" = \
    "$(sed -n '2,/^$/p' "$scratch/list" | awk 'NF { print $1 }' | sort)" ] ||
    fail "features list names other columns than features export"
[ -z "$("$hecate" features --data a.ndjson --out - | head -1 | tr , '\n' | sort | uniq -d)" ] ||
    fail "two columns of features have one name"
"$hecate" features --data a.ndjson --out - | tail -n +2 | cut -d, -f1-4 >own
head -n "$(wc -l <own)" wanted | cmp - own || fail "the first columns of features are not the event's own"
echo 'feature user_token { aggregate = category field = channel }' >twice.conf
expect 1 features --data a.ndjson --features twice.conf --out -
says "name the feature otherwise" err
grep -q 'own past scores' "$scratch/list" || fail "features list does not tell what is left out"
"$hecate" features explain terminal_risk_7d | grep -q '28 tiles of 6h, ending before' ||
    fail "features explain does not tell the tiles"
for name in $(sed -n '2,/^$/p' "$scratch/list" | awk 'NF { print $1 }'); do
    "$hecate" features explain "$name" >/dev/null || fail "features explain $name"
done
[ "$(zstd -qdc f.csv.zst | awk -F, '{ print NF }' | sort -u | wc -l)" -eq 1 ] ||
    fail "rows of features differ in length"

# A table's figures that are undefined are "-": of numbers that are all the same, of none, of one class.
awk 'BEGIN { print "x,rent,class"
    for (i = 0; i < 300; i++) print i % 17 "," 2 * (i % 17) + 1 "," (i % 17 > 8 ? "a" : "b") }' >table.csv
printf 'table { numeric = {x} }\nhead rent { kind = regression column = rent }\nhead good { column = class values = {a} }\n' \
    >table.conf
printf 'x,rent,class\n3,7,b\n4,7,b\n' >same.csv
printf 'x,rent,class\n3,,\n4,,\n' >none.csv
for test in same none; do
    expect 0 table --train table.csv --test $test.csv --heads table.conf --epochs 2 --out t.model
    ! grep -qi nan out || fail "a table tells nan: $(cat out)"
done
says 'no number to judge by' out
expect 0 table --train table.csv --test same.csv --heads table.conf --epochs 2 --out t.model
says 'R2 -' out
expect 0 table --train table.csv --test table.csv --heads table.conf --epochs 2 --out t.model
grep -q 'R2 -*[0-9]' out || fail "a table's numbers are not judged: $(cat out)"
expect 1 score --model m1 --data e.ndjson --out /no/such/directory/s.csv
expect 1 score --model e.ndjson --data e.ndjson --out s4.csv
echo "good: $judged"
