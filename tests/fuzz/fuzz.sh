#!/bin/bash
# Builds the fuzzers with clang and lets each look for as many minutes of processor time, one after
# the other: any bytes into the settings, the event decoder, features.conf, the HTTP face, model files
# and the record decoder.
#
#   fuzz.sh [MINUTES] [NAME...]      default 30 and all of them
#
# Looking starts from tests/fuzz/corpus and from what earlier runs found (build-fuzz/found). A finding
# is kept in build-fuzz and ends the run; put its file into the corpus with the mending commit.
# keep.sh adds the best of what was found to the corpus.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
build=${FUZZ_BUILD:-$source/build-fuzz}
minutes=${1:-30}
shift || true
[ $# -gt 0 ] || set -- conf event features http model record
if ! command -v clang >/dev/null; then
    echo "skipped: no clang; on Debian: apt-get install clang libclang-rt-dev" >&2
    exit 77
fi

[ -f "$build/build.ninja" ] || CC=clang meson setup "$build" "$source" -Dfuzzer=true \
    -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false \
    -Dc_args='-fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined' >/dev/null
ninja -C "$build" "${@/#/tests/fuzz/fuzz-}" >/dev/null

# The words of the grammar, as a dictionary of the fuzzer.
words_of() {
    case $1 in
    event) grep -oh '"[a-z0-9_]*"' "$source/conf/schema/event.schema.json" ;;
    conf) grep -ohE '[a-z_]{3,}' "$source/conf/hecate.conf" "$source/conf/heads.conf" | sort |
        uniq -c | awk '$1 >= 1 { print "\"" $2 "\"" }' | head -400 ;;
    http) grep -oh '"[A-Za-z0-9_./:-]*"' "$source"/daemon/desk/api*.c "$source/daemon/http/exchange.c" ;
        printf '"%s"\n' 'HTTP/1.1\x0d\x0a' 'Content-Length: ' 'Transfer-Encoding: chunked\x0d\x0a' \
            'Authorization: Bearer operator-token-01\x0d\x0a' 'application/json' '%2f' '/api/v1/' ;;
    model) grep -oh '"[a-zA-Z0-9_.]*"' "$source"/core/model/*.c ;;
    features) grep -ohE '[a-zA-Z0-9_.]+' "$source/conf/features.conf" \
        "$source/tests/data/features-every.conf" | sed 's/.*/"&"/' ;;
    esac | sed '/""/d' | sort -u
}

# Sets used to the seconds of processor time of all children so far. Not in a subshell: that has
# other children.
look_at_times() {
    times >"$build/times"
    used=$(awk 'END { gsub(/[ms]/, " "); print int($1 * 60 + $2 + $3 * 60 + $4) }' "$build/times")
}

for name in "$@"; do
    found=$build/found/$name
    mkdir -p "$found"
    words_of "$name" >"$build/$name.dict"
    dict=-dict=$build/$name.dict
    [ -s "$build/$name.dict" ] || dict=
    look_at_times
    end=$((used + minutes * 60))
    runs=0
    while [ "$used" -lt "$end" ]; do
        left=$((end - used < 300 ? end - used : 300))
        "$build/tests/fuzz/fuzz-$name" -max_total_time="$left" -max_len=8192 -timeout=60 \
            -print_final_stats=1 $dict -artifact_prefix="$build/$name-" \
            "$found" "$source/tests/fuzz/corpus/$name" >"$build/$name.log" 2>&1 || {
            tail -40 "$build/$name.log"
            echo "$name: a finding, see $build/$name.log" >&2
            exit 1
        }
        runs=$((runs + $(sed -n 's/^stat::number_of_executed_units: //p' "$build/$name.log")))
        look_at_times
    done
    echo "$name: $runs runs in $minutes CPU-minutes, no finding," \
        "$(grep -o 'cov: [0-9]* ft: [0-9]*' "$build/$name.log" | tail -1)," \
        "$(find "$found" -type f | wc -l) inputs kept in $found"
done
