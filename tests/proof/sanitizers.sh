#!/bin/bash
# The whole daemon under the sanitizers while the world fails, and the short tests under Valgrind.
#
#   sanitizers.sh [thread|address|valgrind]...      default all three
#
#   thread    TSan: two engines and two daemons change partitions while one is killed
#             (tests/integration/engines.sh), then settings are changed a hundred times under load
#             (reload.sh). Suppressed is what tests/support/tsan.supp says, with reasons.
#   address   ASan, UBSan and the leak check at exit: a kill loop, and Redis away and back
#             (faults.sh). A kill leaves no exit, so the daemon that ends the row tells of leaks.
#   valgrind  every test of core and those of daemon that need no server: no definite leak, no error
#
# Builds go to build-tsan, build-asan (the one of .ci/run) and build. Any report fails the run.
# SECONDS_OF_FAULTS (default 30) is the length of each fault run. Exit status 0: no report.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
cd "$source"
seconds=${SECONDS_OF_FAULTS:-30}
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
[ $# -gt 0 ] || set -- thread address valgrind

make_build() { # FOLDER SANITIZERS
    [ -f "$1/build.ninja" ] || meson setup "$1" -Dbuildtype=debugoptimized "-Db_sanitize=$2" \
        -Db_lundef=false >/dev/null
    ninja -C "$1" daemon/hecate daemon/hecated >/dev/null
}

# Every report is a file of its own, whichever process wrote it.
no_reports() { # OF WHAT
    local files
    files=$(find "$reports" -type f -name "$1.*" | wc -l)
    [ "$files" = 0 ] || {
        head -60 "$(find "$reports" -type f -name "$1.*" | head -1)"
        echo "$1: $files reports" >&2
        exit 1
    }
}

thread() {
    make_build "${TSAN_BUILD:-build-tsan}" thread
    export TSAN_OPTIONS="suppressions=$source/tests/support/tsan.supp:log_path=$reports/thread:exitcode=0:second_deadlock_stack=1"
    HECATE_BUILD=$(realpath "${TSAN_BUILD:-build-tsan}") tests/integration/engines.sh
    no_reports thread
    HECATE_BUILD=$(realpath "${TSAN_BUILD:-build-tsan}") tests/integration/reload.sh
    no_reports thread
    echo "thread: engines and reload without a report"
}

address() {
    make_build "${ASAN_BUILD:-build-asan}" address,undefined
    export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1:log_path=$reports/address"
    export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:log_path=$reports/address"
    export HECATE_BUILD
    HECATE_BUILD=$(realpath "${ASAN_BUILD:-build-asan}")
    tests/proof/faults.sh kill "$seconds"
    no_reports address
    tests/proof/faults.sh outage "$seconds"
    no_reports address
    echo "address: a kill loop and an outage of $seconds s each without a report or a leak"
}

# Criterion runs each case in a process of its own; Valgrind follows. What has to be a server's, a
# clock's or many seconds of training stays out: the list is of what is left.
short_tests() {
    find build/tests -maxdepth 1 -type f -executable \( -name 'test-core-*' -o \
        -name 'test-daemon-ops_*' -o -name 'test-daemon-file_*' -o -name 'test-daemon-engine_circuit' \
        -o -name 'test-daemon-engine_suspects' -o -name 'test-daemon-store_watermark' \
        -o -name 'test-daemon-store_address' \) |
        grep -vE 'core-(learn_|feature_properties|model_predictor|state_bound)' | sort
}

valgrind_run() {
    local program status count=0
    command -v valgrind >/dev/null || {
        echo "skipped: no valgrind; apt-get install valgrind" >&2
        exit 77
    }
    [ "${VALGRIND_BUILT:-}" ] || ninja -C build >/dev/null
    for program in $(short_tests); do
        status=0
        timeout 900 valgrind --quiet --trace-children=yes --leak-check=full --show-leak-kinds=definite \
            --errors-for-leak-kinds=definite --error-exitcode=99 --num-callers=20 \
            "$program" --tap -j1 --timeout 600 >"$reports/out" 2>&1 || status=$?
        if [ "$status" != 0 ] || grep -q '^==[0-9]*==.*\(definitely lost\|Invalid\|uninitialised\)' "$reports/out"; then
            grep -m 40 '^==\|^not ok' "$reports/out"
            echo "valgrind: $(basename "$program") (status $status)" >&2
            exit 1
        fi
        count=$((count + $(grep -c '^ok' "$reports/out")))
        echo "  $(basename "$program"): $(grep -c '^ok' "$reports/out") cases"
    done
    echo "valgrind: $count cases without an error or a definite leak"
}

for what in "$@"; do
    case $what in
    thread | address) "$what" ;;
    valgrind) valgrind_run ;;
    *)
        sed -n 4p "$0" | cut -c3- >&2
        exit 2
        ;;
    esac
done
