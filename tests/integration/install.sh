#!/bin/bash
# An installation is complete: the programs run from where they were put and find what they need
# there, the unit names files that exist, and an upgrade leaves edited configuration alone.
. "$(dirname "$0")/lib.sh"
need meson
root=$scratch/root
prefix=$(meson introspect "$build" --buildoptions |
    jq -r '.[] | select(.name == "prefix") | .value')

put() {
    DESTDIR=$root meson install -C "$build" --no-rebuild >"$scratch/log" 2>&1 ||
        { cat "$scratch/log" >&2; fail "meson install failed"; }
}
put

for file in "$prefix/bin/hecate" "$prefix/bin/hecated" /etc/hecate/features.conf \
    "$prefix/share/hecate/import/handbook.conf" "$prefix/lib/systemd/system/hecated.service" \
    "$prefix/lib/sysusers.d/hecate.conf" "$prefix/lib/tmpfiles.d/hecate.conf" \
    "$prefix/share/man/man1/hecate.1" "$prefix/share/man/man8/hecated.8" \
    "$prefix/share/man/man5/hecate.conf.5" "$prefix/share/man/man5/hecate-features.5" \
    "$prefix/share/man/man7/hecate-learning.7" \
    "$prefix/share/bash-completion/completions/hecate" \
    "$prefix/share/zsh/vendor-completions/_hecate" \
    "$prefix/share/fish/vendor_completions.d/hecate.fish"; do
    [ -e "$root$file" ] || fail "an installation lacks $file"
done
[ -z "$(find "$root" -name '.*' -type f)" ] || fail "an installation has hidden files"

# Every path the unit starts, with the leading dash ("may be missing") left out.
for path in $(sed -n 's/^Exec[A-Za-z]*=\([^ ]*\).* -c \([^ ]*\).*/\1 \2/p' \
    "$root$prefix/lib/systemd/system/hecated.service"); do
    [ -e "$root$path" ] || fail "hecated.service names $path, which an installation lacks"
done

# A column map by its name comes from the installation, not from this source tree.
cd "$scratch"
printf '%s\n' 'TX_TIME_SECONDS,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD_SCENARIO' '5,1,2,3.50,0' \
    >rows.csv
"$root$prefix/bin/hecate" import handbook --in rows.csv --out rows.ndjson ||
    fail "the installed hecate cannot import with its own map"
grep -q '"amount_minor":350' rows.ndjson || fail "the imported row is $(cat rows.ndjson)"

echo '# mine' >"$root/etc/hecate/features.conf"
put
[ "$(cat "$root/etc/hecate/features.conf")" = '# mine' ] ||
    fail "an upgrade overwrote /etc/hecate/features.conf"
