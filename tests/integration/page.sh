#!/bin/bash
# The page, driven in a headless Chromium against a running daemon: see page.py.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl jq python3
command -v chromium chromium-browser google-chrome >/dev/null ||
    skip "there is no chromium; apt-get install chromium lets this test run"
start_broker
start_redis
make_bank
make_topics 2
write_config "alerts { inbox_file = \"$scratch/alerts.db\" }"
port=$("$support/free_port.sh")
sed -i "s/listen = \"127.0.0.1:0\"/listen = \"127.0.0.1:$port\"/" "$scratch/hecate.conf"
start_daemon
wait_ready
produce "$events"
wait_done "$(wc -l <"$events")"
read_topic alerts >"$scratch/alerts"
jq -sc 'map(select(.event.amount_minor and (.reasons | length) > 1))[0]' "$scratch/alerts" >"$scratch/alert"
[ -s "$scratch/alert" ] || fail "there is no alert with an amount and reasons"

# The page sees settings that are refused, and the daemon go and come back.
cat >"$scratch/restart" <<END
#!/bin/bash
case \$1 in
stop)
    kill \$(cat "$scratch/pid")
    while kill -0 \$(cat "$scratch/pid") 2>/dev/null; do sleep 0.1; done
    ;;
break)
    mkdir -p "$scratch/hecate.conf.d"
    echo 'input { max_record_bytes = none }' >"$scratch/hecate.conf.d/50-broken.conf"
    ;;
mend) rm "$scratch/hecate.conf.d/50-broken.conf" ;;
start)
    "$hecated" -c "$scratch/hecate.conf" >>"$scratch/log" 2>&1 </dev/null &
    echo \$! >"$scratch/pid"
    ;;
esac
END
chmod +x "$scratch/restart"
echo "$daemon" >"$scratch/pid"

status=0
python3 "$source/tests/integration/page.py" "http://127.0.0.1:$port" operator-token-0123456789 \
    "$scratch/alert" "$broker" "$scratch/restart" || status=$?
kill "$(cat "$scratch/pid")" 2>/dev/null || true
[ "$status" = 0 ] || [ "$status" = 77 ] || fail "the page"
exit "$status"
