#!/bin/bash
# The Debian package on a machine that has nothing: made twice in different places to the same
# bytes, lintian without errors; then on another machine, without what it takes to build: installed,
# started by the packaged unit's own command line against a broker, removed, purged, nothing left.
#
#   package.sh bookworm|trixie [DIR]       DIR-build and DIR-run are the machines (kept, for looking)
. "$(dirname "$0")/../integration/lib.sh"
release=$1
dir=${2:-${TMPDIR:-/tmp}/hecate-package-$release}
fresh=$source/../shared/tools/fresh-root.sh
[ -x "$fresh" ] || skip "there is no ../shared/tools/fresh-root.sh"
[ "$(id -u)" -eq 0 ] || skip "a fresh root needs root"

"$fresh" "$release" "$dir-build" "$source" 'tests/proof/package_build.sh' ||
    fail "$release: the package is not made as it should be"
start_broker
for topic in payments.events.v1 payments.fraud-alerts.v1 payments.events.v1.dlq; do
    "$support/broker.sh" topic "$scratch/broker" "$topic" 1
done
redis_port=$("$support/free_port.sh")
"$support/redis.sh" start "$scratch/redis" --port "$redis_port" >/dev/null

# The machine that runs it gets the package from outside, not this source tree's build.
[ -x "$dir-run/bin/sh" ] || "$fresh" "$release" "$dir-run" "$source" true
rm -rf "$dir-run/srv/package"
cp -r "$dir-build/srv/package" "$dir-run/srv/package"
"$fresh" "$release" "$dir-run" "$source" \
    "tests/proof/package_life.sh $broker $redis_port $("$support/free_port.sh")" ||
    fail "$release: the package does not live and leave as it should"
echo "$release: package $(sha256sum "$dir-build"/srv/package/hecate_*.deb | cut -c1-16)..., made twice"
