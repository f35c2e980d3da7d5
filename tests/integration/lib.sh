# Sourced by the integration tests (bash): a place of their own, servers of their own, and nothing
# left behind.
#
#   need PROGRAM...            skips the test where a program is missing
#   skip REASON                ends the test as skipped
#   fail SENTENCE              ends it as failed
#   start_broker               sets $broker to the HOST:PORT of a real Kafka broker
#   start_redis [--KEY VALUE]  sets $redis to the Unix socket of a private redis-server
#   wait_for SECONDS COMMAND   until the command succeeds; fails if it never does
#   later PID                  have that process ended with the test
#
# $scratch is an empty folder that goes away at the end (kept when the test fails and KEEP is set).
# $hecate and $hecated are the programs of this build, $source the repository.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
support=$source/tests/support
build=${HECATE_BUILD:-$source/build}
hecate=$build/daemon/hecate
hecated=$build/daemon/hecated
# Short, because a Unix socket's path may have 107 bytes only.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/hec.XXXXXX")
pids=()

at_the_end() {
    local status=$? pid
    trap - EXIT
    for pid in ${pids[@]+"${pids[@]}"}; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in ${pids[@]+"${pids[@]}"}; do
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
        kill -9 "$pid" 2>/dev/null || true
    done
    [ ! -d "$scratch/broker" ] || "$support/broker.sh" stop "$scratch/broker"
    [ ! -d "$scratch/redis" ] || "$support/redis.sh" stop "$scratch/redis"
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ] && [ -n "${KEEP:-}" ]; then
        echo "kept: $scratch" >&2
    else
        rm -rf "$scratch"
    fi
    exit "$status"
}
trap at_the_end EXIT
trap 'exit 130' INT TERM HUP

skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    echo "failed: $*" >&2
    exit 1
}

need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || skip "there is no $program; ./setup.sh test installs it"
    done
}

later() {
    pids+=("$1")
}

wait_for() {
    local seconds=$1 end
    shift
    end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "waited $seconds s in vain for: $*"
        sleep 0.1
    done
}

# A fixture that cannot run here (no Java, no jars) skips the test with its own words.
start_broker() {
    broker=$("$support/broker.sh" start "$scratch/broker") || exit
}

start_redis() {
    redis=$("$support/redis.sh" start "$scratch/redis" "$@") || exit
}
