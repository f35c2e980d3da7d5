#!/bin/bash
# Both commands on a machine that has nothing: a stranger without rights is told what to do; the
# build has no warning; a second call installs nothing; the demo has alerts of all three heads and
# finds crimes; every test passes.
#
#   fresh.sh bookworm|trixie [DIR]       DIR is the machine; it is made anew and kept, for looking
set -euo pipefail
fail() {
    echo "failed: $*" >&2
    exit 1
}

outside() {
    local release=$1 dir=${2:-${TMPDIR:-/tmp}/hecate-fresh-$1} source fresh
    source=$(cd "$(dirname "$0")/../.." && pwd)
    fresh=$source/../shared/tools/fresh-root.sh
    [ -x "$fresh" ] || { echo "skipped: there is no ../shared/tools/fresh-root.sh"; exit 77; }
    [ "$(id -u)" -eq 0 ] || { echo "skipped: a fresh root needs root"; exit 77; }
    rm -rf "$dir"
    exec "$fresh" "$release" "$dir" "$source" 'bash tests/proof/fresh.sh --inside'
}

# As a user who may not install anything, in a clone of his own.
as_joe() {
    local home
    home=$(getent passwd joe | cut -d: -f6)
    rm -rf "$home/hecate"
    git clone -q --no-hardlinks . "$home/hecate"
    chown -R joe "$home/hecate"
    (cd "$home/hecate" && setpriv --reuid=joe --clear-groups env HOME="$home" "$@")
}
installed() {
    dpkg-query -W | sha256sum
}

inside() {
    local before began
    export CI=true # a warning is an error
    useradd -m joe
    ! as_joe ./setup.sh >/tmp/joe.log 2>&1 || fail "setup.sh without rights succeeds"
    grep -q 'have root run ./setup.sh once' /tmp/joe.log || fail "joe is told $(cat /tmp/joe.log)"
    [ "$(grep -c . /tmp/joe.log)" -le 2 ] || fail "joe is told more than a sentence: $(cat /tmp/joe.log)"
    echo "without rights: $(cat /tmp/joe.log)"

    began=$SECONDS
    ./setup.sh >/tmp/build.log 2>&1 || { tail -20 /tmp/build.log; fail "setup.sh"; }
    ! grep -n 'warning:' /tmp/build.log || fail "the build has warnings (above)"
    echo "setup.sh: installed and built without a warning in $((SECONDS - began)) s," \
        "$(gcc --version | head -1)"
    [ ! -e /usr/sbin/policy-rc.d ] || fail "setup.sh leaves /usr/sbin/policy-rc.d"

    before=$(installed)
    ./setup.sh >/tmp/second.log 2>&1 || { cat /tmp/second.log; fail "setup.sh, again"; }
    ! grep -n 'installing' /tmp/second.log || fail "a second call installs"
    [ "$(installed)" = "$before" ] || fail "a second call installs"
    echo "setup.sh, again: nothing installed"

    began=$SECONDS
    as_joe ./setup.sh demo >/tmp/demo.log 2>&1 || { tail -20 /tmp/demo.log; fail "the demo"; }
    sed -n '/^head  *alerts/,/^$/p' /tmp/demo.log >/tmp/table
    cat /tmp/table
    # head alerts own other innocent precision crimes found recall
    awk 'NR > 1 && NF == 9 && $2 > 0 && $6 >= .5 { heads = heads $1 " " }
        END { exit heads != "card_fraud ato anomaly " }' /tmp/table ||
        fail "the demo's table (above) is not what it should be"
    echo "setup.sh demo: done in $((SECONDS - began)) s, without rights, its compilation included"

    began=$SECONDS
    ./setup.sh test >/tmp/test.log 2>&1 || {
        grep -E ' (FAIL|ERROR|TIMEOUT) ' /tmp/test.log
        fail "setup.sh test; the whole log is build/meson-logs/testlog.txt"
    }
    sed -n '/^Ok:/,/^Timeout:/p' /tmp/test.log | grep -v ' 0 *$'
    grep ' SKIP ' /tmp/test.log || true
    echo "setup.sh test: passed in $((SECONDS - began)) s"
}

if [ "${1:-}" = --inside ]; then inside; else outside "$@"; fi
