#!/bin/bash
# Adds to the corpus what earlier runs of fuzz.sh found and what reaches code that the corpus does not:
# the fewest files, and none above 4 KiB, so that the repository stays small.
#
#   keep.sh [NAME...]      default: all of them
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
build=${FUZZ_BUILD:-$source/build-fuzz}
[ $# -gt 0 ] || set -- conf event features http model record
for name in "$@"; do
    corpus=$source/tests/fuzz/corpus/$name
    "$build/tests/fuzz/fuzz-$name" -set_cover_merge=1 -max_len=4096 "$corpus" "$build/found/$name" \
        >"$build/$name.keep.log" 2>&1
    echo "$name: $(find "$corpus" -type f | wc -l) inputs, $(du -sb "$corpus" | cut -f1) bytes"
done
