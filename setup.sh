#!/bin/sh
# From a bare Debian to a running Hecate.
#
#   ./setup.sh              installs what is missing and builds into build/
#   ./setup.sh demo [...]   the same, then shows Hecate at work: build/daemon/hecate demo [...]
#   ./setup.sh test [...]   the same and what the tests need, then every test: meson test [...]
#   ./setup.sh deb          installs what is missing and makes a Debian package beside this folder
#
# It says which packages it installs; when nothing is missing it does not touch apt at all, and
# it never asks a question. Debian 13 and 12 are known to work; differences between them are in
# one function, prepare_release.
#
# BUILD=DIR builds elsewhere than in build/. With CI set, a compiler warning is an error.
set -eu
cd "$(dirname "$0")"
build=${BUILD:-build}

# What it takes to build, to run the demo, and (on top) to run the tests.
packages='gcc libc6-dev meson ninja-build pkgconf ca-certificates
    librdkafka-dev libhiredis-dev libopenblas-dev libevent-dev libyyjson-dev libconfuse-dev
    libxxhash-dev libssl-dev libzstd-dev libcsv-dev libsqlite3-dev
    redis-server kcat jq zstd xz-utils'
packages_for_tests='libcriterion-dev default-jre-headless maven python3 python3-jsonschema curl
    prometheus systemd man-db'
packages_for_deb='debhelper dpkg-dev build-essential jq'

# Packages of the lists above that Debian starts as a service. We only want their programs.
services='redis-server prometheus'

say() {
    printf 'setup: %s\n' "$*"
}

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Prints those of the named packages that are not installed.
missing_of() {
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
        awk '$2 == "installed" { print $1 }')
    for package in "$@"; do
        printf '%s\n' "$installed" | grep -qxF "$package" || printf '%s ' "$package"
    done
}

# Runs a command as root. Says what to do where that is not possible.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "to install packages I must be root or have sudo; have root run ./setup.sh once," \
            "or install them: $missing"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null
}

refresh_apt() {
    apt -qq update ||
        fail "apt-get update failed; look at its message above, mend the network or the" \
            "sources in /etc/apt, then run this again"
}

has_candidate() {
    apt-cache policy "$1" | grep -q '^  Candidate: [^(]'
}

# The one place that knows how releases differ. Debian 12 has every package but yyjson, which
# needs nothing newer than its libc: it comes from Debian 13, and nothing else may. The mirror is
# the one apt uses already.
prepare_release() {
    has_candidate libyyjson-dev && return
    . /etc/os-release
    case "${VERSION_CODENAME:-}" in
    bookworm) next=trixie ;;
    *) fail "${PRETTY_NAME:-this system} has no package libyyjson-dev; install yyjson 0.8 or" \
        "newer with its pkg-config file, or use Debian 12 or 13" ;;
    esac

    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
        'Identifier: Packages' 'Component: main' |
        awk -v release="$VERSION_CODENAME" '$2 == release || $2 ~ /^(old)*stable$/ { print $1; exit }')
    [ -n "$mirror" ] ||
        fail "apt has no source for Debian $VERSION_CODENAME main; add one to" \
            "/etc/apt/sources.list.d, then run this again"

    say "taking libyyjson, and nothing else, from Debian $next" \
        "(/etc/apt/preferences.d/hecate-yyjson)"
    printf 'deb %s %s main\n' "$mirror" "$next" |
        as_root tee /etc/apt/sources.list.d/hecate-yyjson.list >/dev/null
    as_root tee /etc/apt/preferences.d/hecate-yyjson >/dev/null <<-END
	Package: *
	Pin: release n=$next
	Pin-Priority: -1

	Package: libyyjson*
	Pin: release n=$next
	Pin-Priority: 500
	END
    refresh_apt
}

# While this file stands, installing a package starts nothing.
hold_services() {
    [ ! -e /usr/sbin/policy-rc.d ] || return 0 # someone else holds them already
    held=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
    trap release_services EXIT
    trap 'exit 130' INT TERM HUP
    as_root chmod 755 /usr/sbin/policy-rc.d
}

release_services() {
    trap - EXIT INT TERM HUP
    held=
    as_root rm -f /usr/sbin/policy-rc.d
}

# A service that came with a package installed just now does not start at the next boot either.
switch_off_services() {
    for service in $services; do
        case " $missing " in
        *" $service "*) ;;
        *) continue ;;
        esac
        if command -v systemctl >/dev/null; then
            as_root systemctl --quiet disable "$service" 2>/dev/null || continue
        elif command -v update-rc.d >/dev/null; then
            as_root update-rc.d "$service" disable >/dev/null 2>&1 || continue
        fi
        say "the service $service that came along is switched off; the program is there"
    done
}

# Installs those of the named packages that are missing.
install() {
    if ! command -v apt-get >/dev/null; then
        say "this is not a Debian, so I install nothing; what it takes is what Debian calls" "$@"
        return
    fi
    missing=$(missing_of "$@")
    [ -n "$missing" ] || return 0

    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || as_root # says so, before anything else
    say "installing $missing"
    refresh_apt
    prepare_release
    hold_services
    # Unquoted on purpose: one word a package.
    apt install --no-install-recommends $missing ||
        fail "apt-get could not install the packages; look at its message above, then run" \
            "this again"
    [ -z "$held" ] || release_services
    switch_off_services
}

# Configures once, and again when packages came in since, for meson looks for them only then.
configure() {
    werror=false
    [ -z "${CI:-}" ] || werror=true
    if [ ! -f "$build/build.ninja" ]; then
        meson setup --buildtype=release -Dwerror=$werror "$build" ||
            fail "meson could not configure $build; the ERROR above names what it misses"
    elif [ "$1" = again ]; then
        meson setup --reconfigure -Dwerror=$werror "$build" >/dev/null
    fi
}

compile() {
    ninja -C "$build" || fail "the build failed; the first error above says where"
}

missing=
held=
case ${1:-} in
'')
    install $packages
    configure "${missing:+again}"
    compile
    say "built: $build/daemon/hecate (command line), $build/daemon/hecated (daemon)"
    say "next:  ./setup.sh demo, ./setup.sh test, or: make install"
    ;;
demo)
    shift
    install $packages
    configure "${missing:+again}"
    compile
    exec "$build/daemon/hecate" demo "$@"
    ;;
test)
    shift
    install $packages $packages_for_tests
    configure again
    compile
    tests/support/broker.sh fetch ||
        say "no Kafka jars: the tests that need a broker will be skipped"
    meson test -C "$build" --print-errorlogs "$@" ||
        fail "tests failed; the whole log is $build/meson-logs/testlog.txt"
    say "all tests passed; the whole log is $build/meson-logs/testlog.txt"
    ;;
deb)
    install $packages $packages_for_deb
    # Without the tests, which .ci/run runs; DEB_BUILD_OPTIONS= asks for those of core.
    DEB_BUILD_OPTIONS=${DEB_BUILD_OPTIONS-nocheck} DEB_BUILD_PROFILES=${DEB_BUILD_PROFILES-nocheck} \
        dpkg-buildpackage --build=binary --no-sign ||
        fail "no package was made; the first error above says why"
    say "made: $(ls ../hecate_*.deb)"
    ;;
*)
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
