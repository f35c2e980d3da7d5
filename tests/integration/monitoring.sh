#!/bin/bash
# What hecate prints for Prometheus and Grafana: promtool takes the rules, each rule fires when it
# should and is silent when it should, and the dashboard is one that Grafana can import. That every
# metric which they name exists is asked of a live scrape in daemon.sh.
. "$(dirname "$0")/lib.sh"
need promtool python3
cd "$scratch"
"$hecate" monitoring rules >printed.yml
promtool check rules printed.yml >said 2>&1 || fail "promtool refuses the rules: $(cat said)"

awk '/^        annotations:/ { skip = 1 } /^      - alert:/ { skip = 0 } !skip' printed.yml >rules.yml
cp "$source/tests/data/rules-test.yml" .
promtool test rules rules-test.yml >said 2>&1 || fail "a rule does other than it should: $(cat said)"
for name in $(sed -n 's/^      - alert: //p' printed.yml); do
    for what in fires 'is silent'; do
        grep -qx "  - name: $name $what" rules-test.yml ||
            fail "tests/data/rules-test.yml does not show that $name $what"
    done
done

# The job's name reaches the expressions, and a name that would break out of them is refused.
"$hecate" monitoring rules --job bank | grep -q 'up{job="bank"} == 0' || fail "--job is not used"
! "$hecate" monitoring rules --job 'a"b' >said 2>&1 || fail "a job's name with a quote is taken"
"$hecate" monitoring scrape --target 10.0.0.7:9677 >prometheus.yml
cp printed.yml hecate.rules.yml
promtool check config prometheus.yml >said 2>&1 || fail "promtool refuses the scrape: $(cat said)"

"$hecate" monitoring grafana >dashboard.json
python3 "$source/tests/integration/dashboard.py" dashboard.json exprs.yml || exit 1
promtool check rules exprs.yml >said 2>&1 || fail "a panel's query is not PromQL: $(cat said)"
