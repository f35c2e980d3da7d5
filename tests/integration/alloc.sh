#!/bin/bash
# In steady state the way of an event allocates nothing: tests/bench/alloc.c says how often it does.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
[ -x "$build/tests/bench/alloc" ] || skip "a build with a sanitizer has malloc for itself"
make_bank
"$build/tests/bench/alloc" "$model" "$source/conf/features.conf" "$events"
