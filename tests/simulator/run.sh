#!/bin/sh
# Many seeds without a finding, and a seed that is the same each time.
#
#   run.sh SIMULATOR SEEDS [FIRST]
set -eu
simulator=$1 seeds=$2 first=${3:-1}
jobs=$(nproc)

# What is not made up here would be the real library's, over memory that is not its own.
if nm --undefined-only "$simulator" | grep -E ' (rd_kafka|redis)'; then
    echo "the simulator calls the library's functions above: make them up in tests/simulator"
    exit 1
fi
once=$("$simulator" --seed "$first" --count 20 --trace)
again=$("$simulator" --seed "$first" --count 20 --trace)
[ "$once" = "$again" ] || {
    echo "the same seeds did not do the same:"
    printf '%s\n--\n%s\n' "$once" "$again"
    exit 1
}
faults=$(printf '%s\n' "$once" | awk '{ sum += $NF } /faults/ { n++ } END { print n }')
[ "$faults" -gt 0 ] || {
    echo "no fault was drawn"
    exit 1
}
"$simulator" --seed "$first" --count "$seeds" --jobs "$jobs"
