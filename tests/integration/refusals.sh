#!/bin/bash
# What hecated refuses to start on: each with its exit status (69 unreachable, 78 settings) and a
# sentence that says where, what was wrong and what to do.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat python3
start_broker
start_redis
make_bank
make_topics 2
write_config
evicting=$("$support/redis.sh" start "$scratch/evicting" --maxmemory 10mb \
    --maxmemory-policy allkeys-lru)
later "$(cat "$scratch/evicting/pid")"
locked=$("$support/redis.sh" start "$scratch/locked" --requirepass right)
later "$(cat "$scratch/locked/pid")"
nobody=127.0.0.1:$("$support/free_port.sh")
failures=0

# refused WHAT STATUS REGEX... -- ARGS of hecated: every REGEX has to match in what it says.
refused() {
    local what=$1 expected=$2 status=0 regex
    shift 2
    local sentences=()
    while [ "$1" != -- ]; do
        sentences+=("$1")
        shift
    done
    shift
    timeout 40 "$hecated" "$@" >"$scratch/said" 2>&1 || status=$?
    if [ "$status" != "$expected" ]; then
        echo "$what: status $status instead of $expected: $(tail -2 "$scratch/said")"
        failures=$((failures + 1))
        return
    fi
    for regex in "${sentences[@]}"; do
        grep -qE "$regex" "$scratch/said" || {
            echo "$what: it does not say '$regex': $(tail -2 "$scratch/said")"
            failures=$((failures + 1))
        }
    done
    [ -z "${SHOW:-}" ] || { echo "--- $what"; cat "$scratch/said"; }
}

good=(-c "$scratch/hecate.conf")
refused "no broker" 69 "$nobody" bootstrap.servers -- "${good[@]}" --set "kafka.bootstrap.servers=$nobody"
refused "no input topic" 78 'nosuch' 'create|exist' -- "${good[@]}" --set input.topic=nosuch
refused "no alert topic" 78 'nosuch' 'create|exist' -- "${good[@]}" --set output.alert_topic=nosuch
refused "no Redis" 69 "$scratch/none.sock" -- "${good[@]}" --set "state.redis_address=unix:$scratch/none.sock"
refused "an evicting Redis" 78 allkeys-lru noeviction -- "${good[@]}" --set "state.redis_address=unix:$evicting"
refused "no Redis password" 78 password -- "${good[@]}" --set "state.redis_address=unix:$locked"
refused "a wrong Redis password" 78 password -- "${good[@]}" \
    --set "state.redis_address=unix:$locked" --set state.redis_password=wrong
! grep -q wrong "$scratch/said" || fail "the password stands in what it says"
refused "a Redis elsewhere without TLS" 78 allow_remote_plain '^--set redis_address' -- "${good[@]}" --set state.redis_address=tcp:192.0.2.1:6379
refused "a model of other features" 78 'trained on features' 'train again' -- "${good[@]}" \
    --set "features.schema_file=$source/conf/features-handbook.conf"
refused "no model" 78 'none.safetensors' -- "${good[@]}" --set "model.file=$scratch/none.safetensors"
head -c 5000 "$model" >"$scratch/cut.safetensors"
refused "half a model" 78 'cut.safetensors' -- "${good[@]}" --set "model.file=$scratch/cut.safetensors"
refused "no features" 78 'none.conf' -- "${good[@]}" --set "features.schema_file=$scratch/none.conf"
refused "no settings" 78 'nowhere.conf' -- -c "$scratch/nowhere.conf"
refused "an unknown flag" 2 usage -- --nonsense

# ---- Settings: file, line and what was meant
sed 's/^state {.*/state {\n redis_adress = "x"\n}/' "$scratch/hecate.conf" >"$scratch/typo.conf"
refused "an unknown key" 78 'typo.conf:6: ' redis_address -- -c "$scratch/typo.conf"
sed 's/^state {/stat {/' "$scratch/hecate.conf" >"$scratch/typo.conf"
refused "an unknown section" 78 'typo.conf:5: ' state -- -c "$scratch/typo.conf"
sed 's/^state {/state { cache_mib = 1e9 /' "$scratch/hecate.conf" >"$scratch/evil.conf"
refused "a number out of range" 78 'evil.conf:5: ' cache_mib -- -c "$scratch/evil.conf"
sed 's/^state {/state { cache_mib = many /' "$scratch/hecate.conf" >"$scratch/evil.conf"
refused "a word for a number" 78 'evil.conf:5: ' cache_mib -- -c "$scratch/evil.conf"
sed 's/^output {/output { delivery = maybe /' "$scratch/hecate.conf" >"$scratch/evil.conf"
refused "a word not in the list" 78 'evil.conf:4: ' exactly_once -- -c "$scratch/evil.conf"
sed '4d' "$scratch/hecate.conf" >"$scratch/less.conf"
refused "a missing setting" 78 alert_topic dead_letter_topic -- -c "$scratch/less.conf"
sed '$d' "$scratch/hecate.conf" | sed '$s/}/{/' >"$scratch/evil.conf"
refused "a file that breaks off" 78 'evil.conf:' -- -c "$scratch/evil.conf"
refused "a directory for a file" 78 "$scratch" -- -c "$scratch"
head -c 4096 /dev/urandom >"$scratch/evil.conf"
refused "random bytes for a file" 78 'evil.conf' -- -c "$scratch/evil.conf"
refused "a value without a section" 78 'nonsense' -- "${good[@]}" --set nonsense=1
refused "what exactly-once needs itself" 78 enable.idempotence -- "${good[@]}" \
    --set kafka_producer.enable.idempotence=false
refused "an unknown Kafka property" 78 no.such.thing -- "${good[@]}" --set kafka.no.such.thing=1

# ---- --check says yes and no without a broker
"$hecated" --check "${good[@]}" >"$scratch/said" || fail "--check refuses a good file"
grep -q good "$scratch/said" || fail "--check says nothing"
refused "--check of a model of other features" 78 'trained on features' -- --check "${good[@]}" \
    --set "features.schema_file=$source/conf/features-handbook.conf"
"$hecated" --check --offline "${good[@]}" --set model.file=/none >"$scratch/said" 2>&1 ||
    fail "--check --offline opens files: $(cat "$scratch/said")"
refused "--strict with a warning" 78 'warning: .*no probes' -- --check --strict "${good[@]}" \
    --set 'admin.listen='
"$hecated" --check "${good[@]}" --set 'admin.listen=' >"$scratch/said" 2>&1 ||
    fail "a warning is a failure without --strict"

# ---- The doctor finds the same without starting anything
doctor() {
    local what=$1 expected=$2 regex=$3 status=0
    shift 3
    "$hecate" doctor "${good[@]/#-c/--config}" "$@" >"$scratch/said" 2>&1 || status=$?
    if [ "$status" != "$expected" ] || ! grep -qE "$regex" "$scratch/said"; then
        echo "doctor, $what: status $status, it says $(cat "$scratch/said")"
        failures=$((failures + 1))
    fi
    [ -z "${SHOW:-}" ] || { echo "--- doctor: $what"; cat "$scratch/said"; }
}
doctor "all is well" 0 '^ok +state +0 of 2 partitions'
doctor "no topic" 1 '^bad +topics +there is no topic nosuch' --set input.topic=nosuch
doctor "an evicting Redis" 1 '^bad +redis .*noeviction' --set "state.redis_address=unix:$evicting"
doctor "a Redis that keeps nothing" 0 '^warning +redis .*appendonly yes'
doctor "no broker" 1 '^bad +kafka .*bootstrap.servers' --set "kafka.bootstrap.servers=$nobody"
doctor "other features" 1 '^bad +model .*trained on features' \
    --set "features.schema_file=$source/conf/features-handbook.conf"
"$support/broker.sh" topic "$scratch/broker" strange 2
head -n 40 "$events" | jq -r '"\(.user_token)\t\(.|tojson)"' >"$scratch/keyed"
kcat -P -b "$broker" -t strange -p 0 -K '	' -l "$scratch/keyed"
doctor "records in other partitions" 1 'bad +keys .*murmur2_random' --set input.topic=strange
"$support/broker.sh" topic "$scratch/broker" unkeyed 2
sed 's/^/k/' "$scratch/keyed" >"$scratch/wrong"
kcat -P -b "$broker" -t unkeyed -K '	' -X partitioner=murmur2_random -l "$scratch/wrong"
doctor "records with other keys" 1 'bad +keys .*key_mismatch' --set input.topic=unkeyed

# ---- State that is not of this log
head -n 200 "$events" >"$scratch/some"
produce "$scratch/some"
start_daemon
wait_ready
wait_done 200
stop_daemon
doctor "stored state" 0 '^ok +state +2 of 2 partitions'
doctor "keys in their places" 0 '^ok +keys +the last [1-9]'
"$support/broker.sh" tool "$scratch/broker" TopicCommand --alter --topic events --partitions 3 \
    >/dev/null
doctor "a changed partition count" 1 'bad +state .*keys have moved'
refused "a changed partition count" 78 '3 partitions' 'with 2' key_prefix -- "${good[@]}"
# Another cluster, as the stored watermark sees it: the same Redis, a broker made anew.
"$support/broker.sh" stop "$scratch/broker"
rm -rf "$scratch/broker"
start_broker
make_topics 2
write_config
refused "state of another cluster" 78 cluster key_prefix -- "${good[@]}"

[ "$failures" = 0 ] || fail "$failures refusals are not as they should be"
