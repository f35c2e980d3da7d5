#!/bin/bash
# What can be said of the Debian package without making one (proof-package makes it): its version is
# the program's, it asks for every library that the build asks for, its conffiles and folders are
# those of the unit and its snippets, and its bill of materials is CycloneDX and the same each time.
. "$(dirname "$0")/lib.sh"
need jq dpkg-query ldd
cd "$source"

packaged=$(sed -n '1s/^hecate (\([^)]*\)).*/\1/p' debian/changelog)
"$hecate" version | head -1 | grep -qw "$packaged" ||
    fail "debian/changelog says $packaged, hecate version says $("$hecate" version | head -1)"
[ "$("$hecated" --version | head -1)" = "hecated $packaged" ] ||
    fail "debian/changelog says $packaged, hecated says $("$hecated" --version | head -1)"

# setup.sh names what it takes; a clean build machine has debian/control alone to go by.
wanted=$(sed -n "/^packages='/,/'\$/p" setup.sh | grep -o 'lib[a-z0-9-]*-dev' | grep -v '^libc6-dev')
[ "$(wc -w <<<"$wanted")" -ge 10 ] || fail "setup.sh names the libraries $wanted"
for library in $wanted; do
    sed -n '/^Build-Depends:/,/^[A-Z].*:/p' debian/control | grep -q "^ *$library\b" ||
        fail "debian/control does not build-depend on $library, which setup.sh installs"
done

# A purge takes the folders that the snippets make.
for folder in $(awk '$1 == "d" { print $2 }' systemd/hecate.tmpfiles); do
    grep -q "$folder" debian/hecate.postrm || fail "debian/hecate.postrm leaves $folder"
done

# ---- The bill of materials
sbom=$scratch/sbom.json
debian/sbom "$hecate" "$hecated" >"$sbom" || fail "debian/sbom fails"
(TZ=Asia/Kathmandu LC_ALL=C debian/sbom "$hecate" "$hecated") | cmp - "$sbom" ||
    fail "the bill of materials depends on the place or the hour"
jq -e --arg version "$packaged" '
    .bomFormat == "CycloneDX" and .specVersion == "1.5" and .version == 1
    and .metadata.component.version == $version
    and ([.components[]["bom-ref"]] | length == (unique | length))
    and (.dependencies[0].dependsOn == [.components[]["bom-ref"]])
    and all(.components[]; .type == "library" and .name and .version
        and (.purl | test("^pkg:deb/debian/[a-z0-9.+-]+@[^?]+\\?arch=[a-z0-9]+&distro=debian")))
    ' "$sbom" >/dev/null || { cat "$sbom"; fail "the bill of materials (above) is not as it should be"; }
for library in librdkafka libhiredis libopenblas libyyjson libconfuse libevent libsqlite3 libzstd; do
    jq -e --arg name "$library" 'any(.components[]; .name | startswith($name))' "$sbom" >/dev/null ||
        fail "the bill of materials lacks $library"
done
# In whole by the standard's own schema, where its validator is installed.
! python3 -c 'import cyclonedx.validation.json' 2>/dev/null ||
    python3 tests/proof/package_sbom.py "$sbom" || fail "the bill of materials is no CycloneDX"
