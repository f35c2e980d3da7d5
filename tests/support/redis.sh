#!/bin/bash
# A private redis-server for a test: on a Unix socket in DIR, no TCP port, nothing kept on disk.
#
#   redis.sh start DIR [--KEY VALUE...]   starts it, waits until it answers, prints the socket
#   redis.sh start-tcp DIR [--KEY VALUE...]   the same on a free loopback port, prints HOST:PORT
#   redis.sh cli DIR ARGS...              redis-cli against it
#   redis.sh pause DIR / resume DIR       SIGSTOP, SIGCONT: a Redis that hangs
#   redis.sh kill DIR                     kill -9; start again with the same DIR: an empty one
#   redis.sh stop DIR                     ends it; DIR stays and is yours to remove
#
# KEY is any name of redis.conf, for instance
#   --requirepass SECRET                                 a password
#   --user hecate on '>SECRET' '~hec:*' '+@all'          an ACL user
#   --maxmemory 10mb --maxmemory-policy allkeys-lru      a server that evicts
#   --appendonly yes                                     one that keeps its data over a kill
# For `cli` against a server with a password set REDISCLI_AUTH. A socket's path has at most 107
# bytes: keep DIR short. Exit status 77, what meson takes for "skipped": there is no redis-server.
# REDIS_SERVER names another one, such as valkey-server.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

usage() {
    sed -n '3,17s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

cli() {
    if [ -s "$dir/port" ]; then
        redis-cli -h 127.0.0.1 -p "$(cat "$dir/port")" "$@"
    else
        redis-cli -s "$dir/redis.sock" "$@"
    fi
}

running() {
    [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null
}

# Asked for a password, it is up as well.
answers() {
    cli ping 2>&1 | grep -qE 'PONG|NOAUTH'
}

start() {
    command -v "${REDIS_SERVER:-redis-server}" >/dev/null || {
        echo "redis.sh: there is no redis-server; install the package of that name" >&2
        exit 77
    }
    ! running || {
        echo "redis.sh: already running in $dir" >&2
        exit 1
    }
    setsid "${REDIS_SERVER:-redis-server}" --dir "$dir" --daemonize no --save '' --appendonly no \
        --maxmemory-policy noeviction --loglevel notice "$@" \
        >>"$dir/redis.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    for _ in $(seq 200); do
        ! answers || return 0
        running || break
        sleep 0.05
    done
    echo "redis.sh: redis-server did not come up; the end of $dir/redis.log:" >&2
    tail -20 "$dir/redis.log" >&2
    exit 1
}

start_socket() {
    : >"$dir/port"
    start --port 0 --unixsocket "$dir/redis.sock" --unixsocketperm 700 "$@"
    echo "$dir/redis.sock"
}

# A restart keeps the port, so that clients find the server again.
start_tcp() {
    [ -s "$dir/port" ] || "$here/free_port.sh" >"$dir/port"
    start --bind 127.0.0.1 --port "$(cat "$dir/port")" "$@"
    echo "127.0.0.1:$(cat "$dir/port")"
}

stop() {
    local pid
    pid=$(cat "$dir/pid" 2>/dev/null) || return 0
    kill -CONT "$pid" 2>/dev/null || true
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    kill -9 "$pid" 2>/dev/null || true
    rm -f "$dir/pid"
}

kill_hard() {
    kill -9 "$(cat "$dir/pid")"
    rm -f "$dir/pid"
}

[ $# -ge 2 ] || usage
what=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
shift 2

case $what in
start) start_socket "$@" ;;
start-tcp) start_tcp "$@" ;;
cli) cli "$@" ;;
pause) kill -STOP "$(cat "$dir/pid")" ;;
resume) kill -CONT "$(cat "$dir/pid")" ;;
kill) kill_hard ;;
stop) stop ;;
*) usage ;;
esac
