#!/bin/bash
# Inside a fresh machine, as root: the package's life, from its installation to its purge.
#
#   package_life.sh BROKER REDIS_PORT HTTP_PORT       the two servers run outside. See package.sh.
set -euo pipefail
broker=$1 redis=$2 http=$3
deb=$(ls /srv/package/hecate_*.deb)
fail() {
    echo "failed: $*" >&2
    exit 1
}

# Its dependencies stay, so the machine is photographed with them and without it.
photograph() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /srv -o -path /tmp \
        -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/log \
        -o -path /root -o -path /run/systemd \) -prune -o -print | sort >"$1"
    getent passwd >>"$1"
    getent group >>"$1"
}
apt() {
    apt-get -qq -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@" </dev/null \
        >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; fail "apt $*"; }
}
apt update
apt install kcat curl python3 man-db systemd procps
apt install "$deb"
apt purge hecate
photograph /tmp/before
apt install "$deb"

# ---- What it brought
for file in /usr/bin/hecated /usr/bin/hecate /etc/hecate/hecate.conf /etc/default/hecate; do
    [ -e "$file" ] || fail "the package lacks $file"
done
getent passwd _hecate >/dev/null || fail "there is no user _hecate"
[ "$(stat -c '%a %U %G' /etc/hecate /var/lib/hecate | tr '\n' ' ')" = \
    '750 root _hecate 750 _hecate _hecate ' ] || fail "folders: $(stat -c '%a %U %G %n' /etc/hecate /var/lib/hecate)"
[ "$(dpkg-query -W -f '${Conffiles}\n' hecate | awk 'NF { print $1 }' | sort | tr '\n' ' ')" = \
    '/etc/default/hecate /etc/hecate/features.conf /etc/hecate/hecate.conf ' ] || fail "conffiles"
unit=$(ls /usr/lib/systemd/system/hecated.service)
systemd-analyze verify --man=no "$unit" >/tmp/verify 2>&1 || true
! grep hecated /tmp/verify || fail "systemd-analyze verify"
systemd-analyze security --offline=yes --threshold=11 "$unit" >/tmp/security 2>&1 ||
    { tail -1 /tmp/security; fail "exposure above 1.1"; }
tail -1 /tmp/security
for page in /usr/share/man/man[158]/hecate*; do
    LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null | tee /tmp/man
    [ ! -s /tmp/man ] || fail "man warns of $page"
done
gunzip -c /usr/share/doc/hecate/hecate.cdx.json.gz |
    python3 -c 'import json, sys; b = json.load(sys.stdin); print(len(b["components"]), "in the SBOM")'
! hecated --check >/tmp/check 2>&1 || fail "it takes a file without a broker"
grep -q 'bootstrap.servers is not set' /tmp/check || fail "it does not say what is missing"

# ---- A model, made by what was installed; settings as an operator adds them
cd /tmp
hecate gen --users 120 --days 40 --seed 7 --out events.ndjson 2>/dev/null
hecate train --data events.ndjson --out model --train-from 2025-01-13 --train-to 2025-02-05 >/dev/null 2>&1
install -D -o _hecate -g _hecate -m 640 model /var/lib/hecate/models/current.safetensors
mkdir -p /etc/hecate/hecate.conf.d
cat >/etc/hecate/hecate.conf.d/site.conf <<END
kafka { bootstrap.servers = "$broker" }
input { topic = payments.events.v1 }
output { alert_topic = payments.fraud-alerts.v1 dead_letter_topic = payments.events.v1.dlq }
state { redis_address = "tcp:127.0.0.1:$redis" }
admin { listen = "127.0.0.1:$http" }
END

# ---- The unit's own command lines, as its user; there is no systemd running here
line_of() {
    sed -n "s/^$1=//p" "$unit"
}
as_hecate() {
    # shellcheck disable=SC2086 # as systemd splits it
    (. /etc/default/hecate && exec setpriv --reuid=_hecate --regid=_hecate --clear-groups \
        --no-new-privs env -i PATH=/usr/bin HECATED_OPTS="$HECATED_OPTS" sh -c "exec $1")
}
hecate doctor >/tmp/doctor 2>&1 || { cat /tmp/doctor; fail "the doctor finds something bad"; }
install -d -o _hecate -g _hecate -m 750 /run/hecate
as_hecate "$(line_of ExecStartPre)" >/tmp/said 2>&1 || fail "ExecStartPre: $(cat /tmp/said)"
as_hecate "$(line_of ExecStart)" >/tmp/hecated.log 2>&1 &
daemon=$!
for _ in $(seq 600); do
    ! curl -sf "http://127.0.0.1:$http/readyz" >/dev/null || break
    kill -0 "$daemon" 2>/dev/null || fail "hecated ended: $(tail -3 /tmp/hecated.log)"
    sleep 0.1
done
python3 /srv/product/tests/proof/keyed.py events.ndjson >keyed
kcat -P -b "$broker" -t payments.events.v1 -K '	' -X partitioner=murmur2_random <keyed
for _ in $(seq 600); do
    done=$(curl -s "http://127.0.0.1:$http/metrics" | awk '/^hecate_events_processed_total/ { n += $2 } END { print n + 0 }')
    [ "$done" -lt "$(wc -l <events.ndjson)" ] || break
    sleep 0.1
done
[ "$done" -eq "$(wc -l <events.ndjson)" ] || fail "$done of $(wc -l <events.ndjson) events were processed"
hecate status >/tmp/status || fail "the console does not answer"
# Reloaded by the unit's own line: a threshold is taken, a mistake is refused and changes nothing.
reloads() {
    as_hecate "$(line_of ExecReload)" >/tmp/reload 2>&1
}
echo 'head ato { alert_score = 999 }' >/etc/hecate/hecate.conf.d/threshold.conf
reloads || fail "ExecReload: $(cat /tmp/reload)"
grep -q 'head.ato.alert_score' /tmp/reload || fail "ExecReload does not name what it took: $(cat /tmp/reload)"
echo 'head ato { alert_scor = 1 }' >/etc/hecate/hecate.conf.d/threshold.conf
! reloads || fail "ExecReload takes a mistake"
grep -q 'did you mean "alert_score"' /tmp/reload || fail "ExecReload of a mistake says $(cat /tmp/reload)"
curl -sf "http://127.0.0.1:$http/readyz" >/dev/null || fail "a refused reload took the daemon down"
rm /etc/hecate/hecate.conf.d/threshold.conf
pkill -TERM -P "$daemon" hecated 2>/dev/null || kill -TERM "$daemon"
wait "$daemon" || fail "it ended with status $?: $(tail -3 /tmp/hecated.log)"
alerts=$(kcat -C -q -b "$broker" -t payments.fraud-alerts.v1 -o beginning -e -X isolation.level=read_committed | wc -l)
[ "$alerts" -gt 0 ] || fail "there is no alert"
echo "started as $(line_of ExecStart): $done events, $alerts alerts"

# ---- Removed: settings stay; purged: nothing does
apt remove hecate
[ ! -e /usr/bin/hecated ] && [ -e /etc/hecate/hecate.conf ] || fail "what a removal leaves is wrong"
apt purge hecate
photograph /tmp/after
diff /tmp/before /tmp/after || fail "the purge left, or took, what is above"
! grep -i hecate /tmp/after || fail "something of it is left"
echo "purged: nothing left behind"
