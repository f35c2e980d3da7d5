#!/bin/bash
# Kafka as payments run it, over a real broker with access lists: client certificates, SASL/PLAIN
# and SCRAM over TLS; with exactly the rights that the README lists it works, with one less the
# doctor says which.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl python3 jq openssl
certs=$scratch/certs
mkdir "$certs"
secret=kafka-secret-0123456789

# ---- A certificate authority, a broker and a client
authority() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority \
        -keyout "$certs/ca.key" -out "$certs/ca.pem" 2>/dev/null
}
certify() { # NAME SUBJECT
    openssl req -newkey rsa:2048 -nodes -subj "$2" -keyout "$certs/$1.key" \
        -out "$certs/$1.csr" 2>/dev/null
    printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' |
        openssl x509 -req -days 2 -in "$certs/$1.csr" -CA "$certs/ca.pem" -CAkey "$certs/ca.key" \
            -CAcreateserial -extfile /dev/stdin -out "$certs/$1.pem" 2>/dev/null
    cat "$certs/$1.key" "$certs/$1.pem" >"$certs/$1.both.pem"
}
authority
certify broker /CN=broker
certify client /CN=hecate
certify nobody /CN=nobody

port=$("$support/free_port.sh" 4)
ssl=127.0.0.1:$((port + 2)) sasl=127.0.0.1:$((port + 3))
plain=org.apache.kafka.common.security.plain.PlainLoginModule
scram=org.apache.kafka.common.security.scram.ScramLoginModule
cat >"$scratch/properties" <<END
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1)),SSL://$ssl,SASL_SSL://$sasl
advertised.listeners=PLAINTEXT://127.0.0.1:$port,SSL://$ssl,SASL_SSL://$sasl
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location=$certs/broker.both.pem
ssl.truststore.type=PEM
ssl.truststore.location=$certs/ca.pem
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=$plain required user_hecate="$secret";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=$scram required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
END
broker=$(BROKER_PROPERTIES=$scratch/properties "$support/broker.sh" start "$scratch/broker" "$port") || exit
start_redis
make_bank
make_topics 2
"$support/broker.sh" scram "$scratch/broker" hecate "$secret"

# ---- The rights: the README's list, for both names
acl() { # add|remove USER ARGS...
    local what=$1 user=$2
    shift 2
    "$support/broker.sh" tool "$scratch/broker" AclCommand "--$what" --force \
        --allow-principal "User:$user" "$@" >/dev/null || fail "acl $what $*"
}
for user in CN=hecate hecate; do
    acl add "$user" --operation Read --operation Describe --topic events --topic alerts
    acl add "$user" --operation Write --operation Describe --topic alerts --topic scores --topic dead
    acl add "$user" --operation Read --operation Describe --group test
    acl add "$user" --operation Write --operation Describe --transactional-id test \
        --resource-pattern-type prefixed
done

tls=(--set kafka.bootstrap.servers=$ssl --set kafka.security.protocol=ssl
    --set "kafka.ssl.ca.location=$certs/ca.pem" --set "kafka.ssl.certificate.location=$certs/client.pem"
    --set "kafka.ssl.key.location=$certs/client.key")
sasl=(--set kafka.bootstrap.servers=$sasl --set kafka.security.protocol=sasl_ssl
    --set "kafka.ssl.ca.location=$certs/ca.pem" --set kafka.sasl.username=hecate
    --set "kafka.sasl.password=\${file:$scratch/secret}" --set kafka.sasl.mechanisms=PLAIN)
printf '%s' "$secret" >"$scratch/secret"
chmod 600 "$scratch/secret"
write_config
doctor() { "$hecate" doctor --config "$scratch/hecate.conf" "$@" >"$scratch/said" 2>&1; }
said() { grep -qE "$1" "$scratch/said" || fail "it does not say '$1': $(cat "$scratch/said")"; }
now=0
works() { # NAME ARGS...
    local name=$1
    shift
    doctor "$@" || fail "$name: $(cat "$scratch/said")"
    sed -n "$((now + 1)),$((now + 300))p" "$events" >"$scratch/part"
    produce "$scratch/part"
    now=$((now + 300))
    start_daemon "$@"
    wait_ready
    wait_done 300
    stop_daemon
    echo "$name: 300 events with the README's rights"
}
works "client certificates" "${tls[@]}"
works "SASL/PLAIN over TLS" "${sasl[@]}"

# ---- SCRAM: librdkafka before 2.6.1 sends its nonce twice, and Kafka 4 minds
if "$hecated" -c "$scratch/hecate.conf" "${sasl[@]}" --set kafka.sasl.mechanisms=SCRAM-SHA-512 \
    --check >/dev/null && doctor "${sasl[@]}" --set kafka.sasl.mechanisms=SCRAM-SHA-512; then
    works "SASL/SCRAM over TLS" "${sasl[@]}" --set kafka.sasl.mechanisms=SCRAM-SHA-512
else
    said 'bad +kafka .*2\.6\.1'
    status=0
    timeout 40 "$hecated" -c "$scratch/hecate.conf" "${sasl[@]}" \
        --set kafka.sasl.mechanisms=SCRAM-SHA-512 >"$scratch/said" 2>&1 || status=$?
    [ "$status" = 78 ] || fail "SCRAM with this librdkafka: status $status: $(cat "$scratch/said")"
    said 'PLAIN over TLS.*2\.6\.1'
    echo "SASL/SCRAM: refused, with the way out"
fi

# ---- A wrong secret, a certificate without rights, a right too few
printf 'wrong-secret' >"$scratch/secret"
! doctor "${sasl[@]}" || fail "a wrong password passes"
said 'bad +kafka .*refuses this client'
! grep -q -e "$secret" -e wrong-secret "$scratch/said" || fail "the password stands in what it says"
printf '%s' "$secret" >"$scratch/secret"
! doctor "${tls[@]}" --set "kafka.ssl.certificate.location=$certs/nobody.pem" \
    --set "kafka.ssl.key.location=$certs/nobody.key" || fail "somebody without rights passes"
acl remove CN=hecate --operation Write --topic alerts
! doctor "${tls[@]}" || fail "it may not write alerts, and that passes"
said 'bad +outputs .*needs Write'
acl add CN=hecate --operation Write --topic alerts
# Read alone shows when somebody joins, and the doctor does not.
acl remove CN=hecate --operation Read --operation Describe --group test
! doctor "${tls[@]}" || fail "a missing right passes"
said 'bad +group .*needs Read'
echo "a wrong secret, a foreign certificate and two missing rights are found"
