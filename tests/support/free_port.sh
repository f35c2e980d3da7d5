#!/bin/sh
# Prints a port on the loopback that nobody listens on; with a number, the first of that many in
# a row. It stays below the range from which the kernel takes ports for outgoing connections, so
# that none of those can take it before the test does.
#
#   free_port.sh [HOW_MANY]
set -eu
many=${1:-1}

# Ports in use, as /proc tells them: hexadecimal after the colon of the second column.
in_use=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { print $2 }' |
    sed 's/.*://' | sort -u)

free() {
    ! printf '%s\n' "$in_use" | grep -qx "$(printf '%04X' "$1")"
}

# Begins somewhere else each time: two tests that start together seldom meet.
port=$((10240 + $(od -An -N2 -tu2 /dev/urandom) % 20000))
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    n=0
    while [ "$n" -lt "$many" ] && free $((port + n)); do
        n=$((n + 1))
    done
    if [ "$n" -eq "$many" ]; then
        echo "$port"
        exit 0
    fi
    port=$((port + many + n))
done
echo "free_port.sh: found no $many free ports in a row near $port" >&2
exit 1
