#!/bin/bash
# Redis in all its moods under a daemon at work, one row after the other: what is published goes on,
# what is stored stands still, and in the end every event is scored once and the state is what an
# undisturbed run makes of it. Sentinel, Cluster and TLS: tests/proof/redis_matrix.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
. "$(dirname "$0")/store_lib.sh"
need kcat curl python3 jq redis-cli
start_broker
port=$("$support/free_port.sh")
start_redis --port "$port" --bind 127.0.0.1 --repl-diskless-sync-delay 0
begin_stream 1
write_config
sed -i "s|\(redis_address = \"\)[^\"]*|\1unix:$redis,unix:$scratch/two/redis.sock|" "$scratch/hecate.conf"
run_daemon
slice
wait_stored
echo "redis            what the daemon did"

row() { printf '%-16s %s\n' "$1" "$2"; }

# Hangs: the deadline of an answer, then what is in memory; nothing is out of step afterwards.
"$support/redis.sh" pause "$scratch/redis"
slice
wait_for 10 is_away
wait_scored
"$support/redis.sh" resume "$scratch/redis"
wait_stored
row hanging "away, scoring went on, stored on return"

redis_says client pause 1000 all >/dev/null
slice
wait_stored
row slow "one answer in a second: away, and back by itself"

redis_says config set maxmemory 1 >/dev/null
slice
wait_scored
wait_for 10 is_frozen
wait_for 10 is_connected # a full one still reads
redis_says config set maxmemory 0 >/dev/null
wait_stored
row full "W stood still, reads went on, stored when there was room"

mood() { # EVENT: everybody is disconnected; the daemon must log that, go on, and come back
    forget_log
    redis_says client kill type normal >/dev/null || true
    slice
    wait_for 10 logged "$1"
    wait_scored
}
redis_says config set maxmemory-policy allkeys-lru >/dev/null
mood store_refuses
redis_says config set maxmemory-policy noeviction >/dev/null
wait_stored
row evicting "refused with a line, scoring went on, back when it was noeviction"

redis_says config set requirepass secret >/dev/null
export REDISCLI_AUTH=secret
mood store_refuses
redis_says config set requirepass '' >/dev/null
unset REDISCLI_AUTH
wait_stored
row "wrong password" "refused with a line, scoring went on, back when it was let in"

forget_log
redis_says flushall >/dev/null
slice
wait_for 10 logged state_rebuild
wait_stored
row emptied "built anew from the log"

redis_says save >/dev/null
slice
wait_stored
forget_log
"$support/redis.sh" kill "$scratch/redis"
start_redis --port "$port" --bind 127.0.0.1 --repl-diskless-sync-delay 0
slice
wait_for 15 logged state_older
wait_stored
! logged state_rebuild || fail "an older copy needs no rebuild"
row "rolled back" "its older copy taken up, the rest replayed"

# What the next process loads is not what was stored.
spoil() { # COMMAND...: on every record of a user; then a process that has to load them
    for key in $(redis_says --scan --pattern 'hec:{0}:*:user:*' | head -40); do
        redis_says del "$key" >/dev/null
        redis_says "$1" "$key" "$2" >/dev/null
    done
    restart_daemon
    forget_log
    slice
    wait_for 10 logged state_refused
    wait_stored
}
spoil set HECRgarbage
row "corrupt record" "refused by its checksum, built anew from the log"
spoil rpush x
row "wrong type" "a list in place of a record: built anew from the log"

redis_says set 'hec:wm:{0}' 'offset=1' >/dev/null
restart_daemon
slice
wait_stored
row "corrupt mark" "built anew from the log"

# The second of the list becomes the master, the first a replica: READONLY.
other=$("$support/free_port.sh")
"$support/redis.sh" start "$scratch/two" --port "$other" --bind 127.0.0.1 --replicaof 127.0.0.1 "$port" \
    --repl-diskless-sync-delay 0 >/dev/null
later "$(cat "$scratch/two/pid")"
is_copied() { "$support/redis.sh" cli "$scratch/two" info replication | grep -q 'link_status:up'; }
wait_for 10 is_copied
"$support/redis.sh" cli "$scratch/two" replicaof no one >/dev/null
redis_says replicaof 127.0.0.1 "$other" >/dev/null
slice
wait_stored
"$support/redis.sh" cli "$scratch/two" get 'hec:wm:{0}' | grep -q offset || fail "the new master has nothing"
row "a replica now" "left for the next of the list"

stop_daemon
judge 1
