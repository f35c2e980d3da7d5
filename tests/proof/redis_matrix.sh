#!/bin/bash
# Every kind of Redis under a daemon at work: the moods of one server (tests/integration/
# store_matrix.sh), a failover by a Sentinel, a Cluster of three that loses and regains a node and
# moves a slot, and TLS with a client certificate where this build has it. Each ends with the judge:
# every event once, the state what an undisturbed run makes of it.
#
#   redis_matrix.sh [ROW...]      moods, sentinel, cluster, tls (default: all)
#
# REDIS_SERVER=valkey-server runs all of it against Valkey.
rows=${*:-moods sentinel cluster tls}
here=$(dirname "$0")
server=${REDIS_SERVER:-redis-server}

stage() { # a scratch folder, a broker and a judge of its own
    . "$here/../integration/lib.sh"
    . "$here/../integration/daemon_lib.sh"
    . "$here/../integration/store_lib.sh"
    need kcat curl python3 jq redis-cli "$server"
    start_broker
}

at() { redis-cli -h 127.0.0.1 -p "$1" "${@:2}"; }

node() { # DIR PORT ARGS...: a server on a port
    mkdir -p "$scratch/$1"
    setsid "$server" --dir "$scratch/$1" --port "$2" --bind 127.0.0.1 --save '' --appendonly yes \
        --repl-diskless-sync-delay 0 "${@:3}" >>"$scratch/$1/log" 2>&1 </dev/null &
    echo $! >"$scratch/$1/pid"
    later "$(cat "$scratch/$1/pid")"
}

shoot() { kill -9 "$(cat "$scratch/$1/pid")"; }

use() { # ADDRESSES SETTINGS: how the daemon finds Redis
    redis=unused
    write_config
    sed -i "s|redis_address = \"[^\"]*\"|redis_address = \"$1\" $2|" "$scratch/hecate.conf"
}

says() { "${@:2}" 2>&1 | grep -q "$1"; }

sentinel() (
    stage
    one=$("$support/free_port.sh") two=$((one + 1)) watcher=$((one + 2))
    node one "$one"
    node two "$two" --replicaof 127.0.0.1 "$one"
    wait_for 20 says link_status:up at "$two" info replication
    mkdir "$scratch/watcher"
    printf 'sentinel %s\n' "monitor bank 127.0.0.1 $one 1" "down-after-milliseconds bank 500" \
        "failover-timeout bank 5000" >"$scratch/watcher/sentinel.conf"
    setsid "$server" "$scratch/watcher/sentinel.conf" --sentinel --port "$watcher" \
        --bind 127.0.0.1 --dir "$scratch/watcher" >>"$scratch/watcher/log" 2>&1 </dev/null &
    later $!
    wait_for 20 says PONG at "$watcher" ping
    at "$watcher" sentinel debug info-period 500 >/dev/null
    wait_for 20 says slave at "$watcher" sentinel replicas bank
    begin_stream 2
    use "tcp:127.0.0.1:1,tcp:127.0.0.1:$watcher" "redis_mode = sentinel redis_master_name = bank"
    run_daemon
    slice
    wait_stored
    shoot one
    slice
    wait_scored
    wait_for 60 says role:master at "$two" info replication
    slice
    wait_stored 60
    echo "sentinel: the master was shot; scoring went on, the next one has the state"
    node one "$one"
    wait_for 60 says role:slave at "$one" info replication
    slice
    wait_stored
    says offset at "$two" get 'hec:wm:{0}' || fail "the new master has no mark"
    echo "sentinel: the old master came back as a replica and was left alone"
    stop_daemon
    judge 2
)

cluster() (
    stage
    first=$("$support/free_port.sh")
    [ "$first" -lt 50000 ] || first=$((first - 30000)) # a node also listens 10 000 higher
    ports=("$first" $((first + 1)) $((first + 2)))
    for n in 0 1 2; do
        node "node$n" "${ports[n]}" --cluster-enabled yes --cluster-node-timeout 2000 \
            --cluster-require-full-coverage no
        wait_for 20 says PONG at "${ports[n]}" ping
    done
    redis-cli --cluster create "127.0.0.1:${ports[0]}" "127.0.0.1:${ports[1]}" \
        "127.0.0.1:${ports[2]}" --cluster-yes >"$scratch/create" 2>&1 || fail "$(tail -3 "$scratch/create")"
    for n in 0 1 2; do
        wait_for 20 says cluster_state:ok at "${ports[n]}" cluster info
    done
    begin_stream 4
    use "tcp:127.0.0.1:${ports[2]},tcp:127.0.0.1:${ports[0]}" "redis_mode = cluster"
    run_daemon
    slice
    wait_stored
    for n in 0 1 2; do
        echo "cluster: node $n has $(at "${ports[n]}" dbsize) keys"
    done

    # The slot of partition 0 goes to the next node while the stream runs.
    slot=$(at "${ports[0]}" cluster keyslot 'hec:wm:{0}')
    owner=0
    for n in 0 1 2; do
        ! says "{0}" at "${ports[n]}" --scan --pattern 'hec:wm:{0}' || owner=$n
    done
    target=$(((owner + 1) % 3))
    ids=("$(at "${ports[owner]}" cluster myid)" "$(at "${ports[target]}" cluster myid)")
    slice &
    producing=$!
    at "${ports[target]}" cluster setslot "$slot" importing "${ids[0]}" >/dev/null
    at "${ports[owner]}" cluster setslot "$slot" migrating "${ids[1]}" >/dev/null
    while keys=$(at "${ports[owner]}" cluster getkeysinslot "$slot" 20) && [ -n "$keys" ]; do
        echo "$keys" | xargs redis-cli -h 127.0.0.1 -p "${ports[owner]}" migrate 127.0.0.1 \
            "${ports[target]}" "" 0 5000 replace keys >/dev/null
    done
    sleep 1
    for n in "$target" "$owner" $((3 - target - owner)); do
        at "${ports[n]}" cluster setslot "$slot" node "${ids[1]}" >/dev/null
    done
    wait "$producing"
    sent=$((sent + lines / slices)) # what the slice in the background sent
    wait_stored
    says offset at "${ports[target]}" get 'hec:wm:{0}' || fail "the mark is not where the slot is"
    echo "cluster: a slot was moved under the stream ($(grep -c 'moving the slot' "$scratch/log")" \
        "checkpoints waited for it)"

    shoot "node$target"
    slice
    wait_for 10 is_away
    wait_scored
    node "node$target" "${ports[target]}" --cluster-enabled yes --cluster-node-timeout 2000 \
        --cluster-require-full-coverage no
    slice
    wait_stored 60
    echo "cluster: a node was shot and came back; scoring went on, its partitions are stored"
    restart_daemon
    slice
    wait_stored
    stop_daemon
    judge 4
)

certificate() { # NAME SUBJECT-ALTERNATIVE: signed by our authority
    openssl req -newkey rsa:2048 -nodes -keyout "$scratch/$1.key" -out "$scratch/$1.csr" \
        -subj "/CN=$1" 2>/dev/null
    printf 'subjectAltName=%s\n' "$2" >"$scratch/$1.ext"
    openssl x509 -req -in "$scratch/$1.csr" -CA "$scratch/ca.pem" -CAkey "$scratch/ca.key" \
        -CAcreateserial -days 2 -extfile "$scratch/$1.ext" -out "$scratch/$1.pem" 2>/dev/null
}

tls() (
    . "$here/../integration/lib.sh"
    . "$here/../integration/daemon_lib.sh"
    need openssl redis-cli "$server"
    port=$("$support/free_port.sh")
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$scratch/ca.key" -out "$scratch/ca.pem" \
        -days 2 -subj /CN=authority 2>/dev/null
    certificate redis "IP:127.0.0.1,DNS:redis.bank"
    certificate hecate "DNS:hecate"
    mkdir "$scratch/tls"
    ask() { # SETTING...: what hecate doctor says of Redis over TLS
        cat >"$scratch/tls.conf" <<-END
	kafka { bootstrap.servers = "127.0.0.1:1" }
	input { topic = events }
	output { alert_topic = alerts dead_letter_topic = dead }
	state { redis_address = "tcp:127.0.0.1:$port" redis_tls = true $* }
	END
        "$hecate" doctor --config "$scratch/tls.conf" 2>&1 | grep -E ' redis |redis_tls' || true
    }
    if ask | grep -q 'has no TLS'; then
        echo "tls: this build says: $(ask | grep -o 'redis_tls: .*')"
        return 0
    fi
    setsid "$server" --dir "$scratch/tls" --port 0 --tls-port "$port" --bind 127.0.0.1 --save '' \
        --tls-cert-file "$scratch/redis.pem" --tls-key-file "$scratch/redis.key" \
        --tls-ca-cert-file "$scratch/ca.pem" --tls-auth-clients yes >"$scratch/tls/log" 2>&1 </dev/null &
    later $!
    trusted="redis_tls_ca_file = \"$scratch/ca.pem\""
    shown="redis_tls_certificate_file = \"$scratch/hecate.pem\" redis_tls_key_file = \"$scratch/hecate.key\""
    wait_for 20 grep -q 'Ready to accept' "$scratch/tls/log"
    tls_says() { ask "${@:2}" | grep -q "$1" || fail "expected $1: $(ask "${@:2}")"; }
    tls_says '^ok' "$trusted" "$shown"
    tls_says '^ok' "$trusted" "$shown" "redis_tls_server_name = redis.bank"
    tls_says 'certificate is refused' "$trusted" "$shown" "redis_tls_server_name = other.bank"
    tls_says 'certificate is refused' "$shown"
    tls_says '^bad' "$trusted"
    tls_says 'redis_tls_ca_file /nowhere.pem' "redis_tls_ca_file = /nowhere.pem"
    echo "tls: authority, server name and client certificate are checked on both sides"
)

set -e
echo "against $("$server" --version | cut -c1-60)"
for one in $rows; do
    case $one in
    moods) "$here/../integration/store_matrix.sh" ;;
    sentinel | cluster | tls) "$one" ;;
    *) echo "usage: redis_matrix.sh [moods|sentinel|cluster|tls]..." >&2 && exit 2 ;;
    esac
done
