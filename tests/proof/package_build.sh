#!/bin/bash
# Inside a fresh machine, as root: makes the package here, and again elsewhere under another umask,
# language and hour; leaves it in /srv/package. See package.sh.
set -euo pipefail
fail() {
    echo "failed: $*" >&2
    exit 1
}
rm -rf /srv/package /srv/elsewhere ../hecate*_*
mkdir -p /srv/package /srv/elsewhere/deeper
cp -r . /srv/elsewhere/deeper/hecate
./setup.sh deb >/tmp/first.log 2>&1 || { tail -30 /tmp/first.log; fail "the first build"; }
(
    umask 077
    export TZ=Asia/Kathmandu LC_ALL=C HOME=/nonexistent
    cd /srv/elsewhere/deeper/hecate
    ./setup.sh deb
) >/tmp/second.log 2>&1 || { tail -30 /tmp/second.log; fail "the second build"; }
(cd .. && sha256sum hecate_*.deb hecate-dbgsym_*.deb) >/tmp/first.sum
(cd /srv/elsewhere/deeper && sha256sum hecate_*.deb hecate-dbgsym_*.deb) >/tmp/second.sum
cmp /tmp/first.sum /tmp/second.sum || fail "two builds differ: $(cat /tmp/first.sum /tmp/second.sum)"
echo "two builds, one sha256: $(cat /tmp/first.sum | head -1)"

apt() {
    apt-get -qq -y --no-install-recommends -o Dpkg::Options::=--force-confold install "$@" \
        </dev/null >/tmp/apt.log 2>&1 || { tail -5 /tmp/apt.log; fail "apt-get install $*"; }
}
apt lintian
lintian --allow-root --fail-on error --tag-display-limit 0 ../hecate_*.changes >/tmp/lintian ||
    { cat /tmp/lintian; fail "lintian has errors"; }
echo "lintian: $(grep -c '^W:' /tmp/lintian || true) warnings, no error"
cat /tmp/lintian

# The bill of materials that is in the package, by the standard's own schema.
apt python3-venv
python3 -m venv /tmp/cyclonedx
/tmp/cyclonedx/bin/pip -q install 'cyclonedx-python-lib[json-validation]' >/tmp/pip.log 2>&1 ||
    { tail -3 /tmp/pip.log; fail "no validator of CycloneDX"; }
dpkg-deb --fsys-tarfile ../hecate_*.deb | tar -xO --wildcards './usr/share/doc/hecate/hecate.cdx.json*' |
    gunzip >/tmp/sbom.json
/tmp/cyclonedx/bin/python tests/proof/package_sbom.py /tmp/sbom.json || fail "the bill of materials"
cp ../hecate_*.deb /srv/package/
