#!/bin/bash
# The fixtures themselves: a broker that keeps what it is given over a kill -9, and a Redis that
# forgets it.
. "$(dirname "$0")/lib.sh"
need kcat redis-cli
start_broker
start_redis

"$support/broker.sh" topic "$scratch/broker" events 2 retention.ms=-1
echo one | kcat -P -b "$broker" -t events -k u1
"$support/broker.sh" kill "$scratch/broker"
[ "$("$support/broker.sh" start "$scratch/broker")" = "$broker" ] ||
    fail "a broker that starts again has to keep its address"
read_back=$(kcat -C -b "$broker" -t events -e -q -f '%k %s\n')
[ "$read_back" = 'u1 one' ] || fail "the broker gave back '$read_back'"

"$support/redis.sh" cli "$scratch/redis" set key value >/dev/null
"$support/redis.sh" kill "$scratch/redis"
start_redis --requirepass secret
"$support/redis.sh" cli "$scratch/redis" get key 2>&1 | grep -q NOAUTH ||
    fail "Redis let somebody in without the password"
value=$(REDISCLI_AUTH=secret "$support/redis.sh" cli "$scratch/redis" get key)
[ -z "$value" ] || fail "Redis kept '$value' over a kill"
