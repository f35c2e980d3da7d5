#!/bin/sh
# Many seeds without a finding, and a seed that is the same each time.
#
#   run.sh SIMULATOR SEEDS [FIRST]
set -eu
simulator=$1 seeds=$2 first=${3:-1}
jobs=$(nproc)

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
