#!/bin/sh
# The service unit: systemd finds nothing to say about it, and it leaves an intruder little.
#
#   unit.sh UNIT SYSUSERS TMPFILES      the unit and the snippets as they are installed
set -eu
unit=$1 sysusers=$2 tmpfiles=$3
exposure_max=11 # ten times what systemd-analyze prints

command -v systemd-analyze >/dev/null || {
    echo "skipped: there is no systemd-analyze (package systemd)"
    exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# verify wants the program to exist where the unit will find it once installed; here any program
# stands for it.
sed -E "s|^(Exec[A-Za-z]*=)[^ ]*|\1$(command -v true)|" "$unit" >"$dir/hecated.service"
systemd-analyze verify --man=no "$dir/hecated.service" >"$dir/said" 2>&1 || echo "exit $?" >>"$dir/said"
# What verify says of units of this machine is not about ours.
if grep -E 'hecated|^exit' "$dir/said"; then
    echo "$unit: systemd-analyze verify has something to say (above); it must be silent" >&2
    exit 1
fi

systemd-analyze security --offline=yes --threshold=$exposure_max "$dir/hecated.service" \
    >"$dir/security" 2>&1 || {
    grep -v '^✓' "$dir/security" || true
    echo "$unit: the exposure above is more than $exposure_max tenths; harden the unit" >&2
    exit 1
}
tail -n 1 "$dir/security"

mkdir "$dir/etc"
if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers --root="$dir" "$(realpath "$sysusers")" || {
        echo "$sysusers: systemd-sysusers refuses it" >&2
        exit 1
    }
    grep -q '^_hecate:' "$dir/etc/passwd" || {
        echo "$sysusers: makes no user _hecate, whom the unit and $tmpfiles name" >&2
        exit 1
    }
fi
if [ "$(id -u)" -eq 0 ] && command -v systemd-tmpfiles >/dev/null && [ -f "$dir/etc/passwd" ]; then
    systemd-tmpfiles --root="$dir" --create "$(realpath "$tmpfiles")" || {
        echo "$tmpfiles: systemd-tmpfiles refuses it" >&2
        exit 1
    }
fi
