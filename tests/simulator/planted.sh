#!/bin/sh
# Each planted mistake is found within 200 seeds.
#
#   planted.sh SIMULATOR...
set -eu
failed=0
for simulator; do
    name=$(basename "$simulator" | sed 's/^simulator-//')
    if found=$("$simulator" --count 200 --jobs "$(nproc)" --stop-at-first); then
        echo "$name: not found in 200 seeds"
        failed=1
    else
        printf '%s: %s\n' "$name" "$(printf '%s\n' "$found" | grep -m1 FAILED | cut -c1-170)"
    fi
done
exit "$failed"
