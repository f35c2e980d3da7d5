#!/bin/bash
# A real Apache Kafka broker for a test: one KRaft node on the loopback, no service manager.
#
#   broker.sh fetch                           makes the jars ready: Maven, the first time only
#   broker.sh start DIR [PORT]                starts it, waits until it serves, prints HOST:PORT
#   broker.sh address DIR                     prints HOST:PORT
#   broker.sh pause DIR / resume DIR          SIGSTOP, SIGCONT: a broker that hangs
#   broker.sh kill DIR                        kill -9; start again with the same DIR to restart it
#   broker.sh stop DIR                        ends it in order; DIR stays and is yours to remove
#   broker.sh topic DIR NAME PARTITIONS [KEY=VALUE...]    creates a topic, with its settings
#   broker.sh set DIR TOPIC KEY=VALUE         changes a setting of a topic
#   broker.sh scram DIR USER PASSWORD         makes a user for SCRAM-SHA-512
#   broker.sh delete DIR REGEX                deletes the topics that match
#   broker.sh tool DIR CLASS ARGS...          a Kafka tool, such as GetOffsetShell
#
# PORT and PORT + 1 are used; without PORT two free ones are found. The jars are kept in the
# user's cache folder (XDG_CACHE_HOME) and shared by all tests. Settings can be added with
# BROKER_SETTINGS, a list of KEY=VALUE separated by blanks, or BROKER_PROPERTIES, a file of them. Exit status 77, what meson takes for
# "skipped", says that there is no Java, or that the jars could not be fetched.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$here/broker/pom.xml")
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/hecate
jars=$cache/kafka-$version

usage() {
    sed -n '3,19s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# Without the JIT's second stage Java starts in half the time; tests never run long enough to
# miss it.
java_brief() {
    java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$jars/*" "$@"
}

# Maven copies into a folder beside it, which takes the final name only when it is complete: an
# interrupted download is not mistaken for the jars. The lock makes parallel tests wait.
fetch() {
    command -v java >/dev/null || {
        echo "broker.sh: there is no Java; install default-jre-headless" >&2
        exit 77
    }
    [ ! -d "$jars" ] || return 0
    mkdir -p "$cache"
    exec 8>"$cache/lock"
    flock 8
    [ ! -d "$jars" ] || return 0

    command -v mvn >/dev/null || {
        echo "broker.sh: Kafka's jars are not in $jars and there is no Maven; install maven" >&2
        exit 77
    }
    echo "broker.sh: fetching Kafka $version with Maven, once, into $jars" >&2
    rm -rf "$jars.part"
    mvn -q -B -f "$here/broker/pom.xml" dependency:copy-dependencies \
        -DoutputDirectory="$jars.part" >&2 </dev/null || {
        echo "broker.sh: Maven could not fetch Kafka's jars; see its message above" >&2
        exit 77
    }
    mv "$jars.part" "$jars"
    exec 8>&-
}

running() {
    [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null
}

# The short session lets a broker that was killed come back after two seconds, not nine.
# The last line wins where a key stands twice, so BROKER_SETTINGS come last.
write_properties() {
    cat >"$dir/server.properties" <<-END
	process.roles=broker,controller
	node.id=1
	controller.quorum.voters=1@127.0.0.1:$((port + 1))
	listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
	advertised.listeners=PLAINTEXT://127.0.0.1:$port
	controller.listener.names=CONTROLLER
	listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
	log.dirs=$dir/data
	offsets.topic.num.partitions=1
	offsets.topic.replication.factor=1
	transaction.state.log.num.partitions=1
	transaction.state.log.replication.factor=1
	transaction.state.log.min.isr=1
	share.coordinator.state.topic.replication.factor=1
	share.coordinator.state.topic.min.isr=1
	group.initial.rebalance.delay.ms=0
	broker.session.timeout.ms=2000
	broker.heartbeat.interval.ms=500
	auto.create.topics.enable=false
	num.partitions=4
	END
    printf '%s\n' ${BROKER_SETTINGS:-} >>"$dir/server.properties"
    [ -z "${BROKER_PROPERTIES:-}" ] || cat "$BROKER_PROPERTIES" >>"$dir/server.properties"
}

format() {
    [ ! -f "$dir/data/meta.properties" ] || return 0
    local id
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-22)
    java_brief kafka.tools.StorageTool format "--cluster-id=$id" -c "$dir/server.properties" \
        >"$dir/format.log" 2>&1 || {
        cat "$dir/format.log" >&2
        exit 1
    }
}

# A restart keeps the port, so that clients find the broker again.
start() {
    fetch
    mkdir -p "$dir"
    ! running || {
        echo "broker.sh: already running in $dir" >&2
        exit 1
    }
    port=${1:-$(cat "$dir/port" 2>/dev/null || "$here/free_port.sh" 2)}
    echo "$port" >"$dir/port"
    write_properties
    format
    : >"$dir/broker.log"
    setsid java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$jars/*" \
        -Dlog4j2.configurationFile="$here/broker/log4j2.properties" \
        kafka.Kafka "$dir/server.properties" >>"$dir/broker.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"

    for _ in $(seq 600); do
        if serves; then
            echo "127.0.0.1:$port"
            return
        fi
        running || break
        sleep 0.1
    done
    echo "broker.sh: the broker did not come up; the end of $dir/broker.log:" >&2
    tail -30 "$dir/broker.log" >&2
    stop
    exit 1
}

# The port opens before the broker may be used; a line of its log says when it may.
serves() {
    grep -q 'Kafka Server started' "$dir/broker.log" 2>/dev/null &&
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

stop() {
    local pid
    pid=$(cat "$dir/pid" 2>/dev/null) || return 0
    kill -CONT "$pid" 2>/dev/null || true
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 150); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
    rm -f "$dir/pid"
}

kill_hard() {
    kill -9 "$(cat "$dir/pid")"
    rm -f "$dir/pid"
}

address() {
    echo "127.0.0.1:$(cat "$dir/port")"
}

tool() {
    local class=$1
    shift
    java_brief "org.apache.kafka.tools.$class" --bootstrap-server "$(address)" "$@"
}

set_topic() {
    java_brief kafka.admin.ConfigCommand --bootstrap-server "$(address)" --alter \
        --entity-type topics --entity-name "$1" --add-config "$2" >/dev/null
}

scram() {
    java_brief kafka.admin.ConfigCommand --bootstrap-server "$(address)" --alter \
        --entity-type users --entity-name "$1" --add-config "SCRAM-SHA-512=[password=$2]" >/dev/null
}

topic() {
    local name=$1 partitions=$2 settings=()
    shift 2
    for setting in "$@"; do
        settings+=(--config "$setting")
    done
    tool TopicCommand --create --if-not-exists --topic "$name" --partitions "$partitions" \
        --replication-factor 1 ${settings[@]+"${settings[@]}"} >/dev/null
}

what=${1:-}
[ -n "$what" ] || usage
if [ "$what" = fetch ]; then
    fetch
    exit
fi
dir=${2:-}
[ -n "$dir" ] || usage
shift 2

case $what in
start) start "$@" ;;
address) address ;;
pause) kill -STOP "$(cat "$dir/pid")" ;;
resume) kill -CONT "$(cat "$dir/pid")" ;;
kill) kill_hard ;;
stop) stop ;;
topic) topic "$@" ;;
set) set_topic "$@" ;;
scram) scram "$@" ;;
delete) tool TopicCommand --delete --if-exists --topic "$1" ;;
tool) tool "$@" ;;
*) usage ;;
esac
