#!/bin/bash
# Judging from end to end: the figures of hecate eval against plain Python over the score file, gates
# and their exit statuses, folds that do not depend on the number of workers, and mistakes told.
. "$(dirname "$0")/lib.sh"
need jq python3

expect() {
    local wanted=$1 status=0
    shift
    "$hecate" "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
    [ "$status" -eq "$wanted" ] ||
        fail "hecate $*: exit status $status, expected $wanted: $(cat "$scratch/err")"
}
says() {
    grep -qF -- "$1" "$scratch/$2" || fail "$2 should say \"$1\": $(cat "$scratch/$2")"
}

cd "$scratch"
expect 0 gen --users 400 --days 45 --seed 7 --out e.ndjson --truth truth.csv
expect 0 train --data e.ndjson --out m --train-from 2025-01-13 --train-to 2025-02-03 \
    --known-at 2025-02-08 --epochs 6
expect 0 score --model m --data e.ndjson --out scores.csv

# Features that lie in a file teach the same; where there can be none it is told.
expect 0 train --data e.ndjson --out spilled.m --train-from 2025-01-13 --train-to 2025-02-03 --known-at 2025-02-08 \
    --epochs 6 --memory 1
cmp m spilled.m || fail "features in a file change the model"
TMPDIR=/no/such/place expect 1 train --data e.ndjson --out x --train-from 2025-01-13 --train-to 2025-02-03 --memory 1
says "set TMPDIR" err

# One head cut out scores what it scored in the whole, and sharing is told in numbers.
expect 0 model split m --head ato --out ato.m
expect 0 score --model ato.m --data e.ndjson --out ato.csv
cut -d, -f1,6 scores.csv >whole.csv
cut -d, -f1,5 ato.csv | paste -d, whole.csv - | awk -F, 'NR > 1 && ($1 != $3 || ($2 == "") != ($4 == "") ||
    $2 - $4 > 1e-6 || $4 - $2 > 1e-6) { bad++ } END { exit bad > 0 || NR < 10000 }' ||
    fail "a head that was cut out scores otherwise than in the whole"
expect 0 model inspect m
says "3 separate" out
awk '$1 == "parameters" { all = $2 + 0 } $1 == "layer" { layers = 1; next } layers && NF == 4 { sum += $4 }
    NF == 0 && sum { layers = 0 } END { exit sum != all }' out || fail "the layers are not the whole"
expect 2 model split m --head ato
expect 2 model split m --head cards --out x
says 'no head "cards"' err
expect 1 model split m --head anomaly --out x
expect 2 model inspect m --head ato
[ ! -e x ] || fail "a split that failed left a file"

# A run's folder: the same model, the figures that hecate eval finds, a page that needs nothing.
expect 0 train --data e.ndjson --out again.m --train-from 2025-01-13 --train-to 2025-02-03 \
    --known-at 2025-02-08 --epochs 6 --run-dir runs --beside "itself=scores.csv"
cmp m again.m || fail "a run's folder changes the model"
run=$(echo runs/*-seed1)
expect 0 eval --prequential --data e.ndjson --train-from 2025-01-13 --train-days 21 --delay-days 5 --test-days 30 \
    --folds 1 --epochs 6 --json
jq -c '.heads[] | [.average_precision.mean, .roc_auc.mean, .card_precision_at_k.mean]' out >wanted
jq -c '.heads[].metrics | [.average_precision.value, .roc_auc.value, .card_precision_at_k.value]' "$run/metrics.json" |
    cmp - wanted || fail "a run's figures are not those of the same fold: $(cat wanted)"
[ "$(wc -l <"$run/train_log.ndjson")" = "$(jq .epochs "$run/run.json")" ] || fail "a line an epoch"
jq -e --arg sha "$(sha256sum <m | cut -d' ' -f1)" --arg data "$(sha256sum <e.ndjson | cut -d' ' -f1)" \
    '.model.sha256 == $sha and .data[0].sha256 == $data and .flags.epochs == ["6"] and .settings.epochs == 6' \
    "$run/run.json" >/dev/null || fail "run.json: $(cat "$run/run.json")"
grep -q "ato" "$run/model_card.md" || fail "the card does not name its heads"
python3 - "$run" "$source/tests/proof" <<'PYTHON' || fail "the page, or the predictions, are not what they should be"
import csv, html.parser, json, re, sys
run = sys.argv[1]
sys.path.insert(0, sys.argv[2])
from judge import roc_auc_and_ap
told = json.load(open(f"{run}/metrics.json"))["heads"]
rows = [row for row in csv.DictReader(open(f"{run}/predictions.csv"))]
for head in told:
    seen = [(float(row[head]), int(row[head + "_label"])) for row in rows if row[head + "_label"]]
    auc, ap = roc_auc_and_ap([score for score, _ in seen], [label for _, label in seen])
    assert len(seen) == told[head]["rows"], (head, len(seen))
    assert abs(ap - told[head]["metrics"]["average_precision"]["value"]) < 1e-6, (head, ap)
page = open(f"{run}/report.html").read()
assert not re.search(r"https?:|<script|src=|@import|url\(", page), "the page asks for something else"
class Reader(html.parser.HTMLParser):
    open, charts, ids, links, text = [], 0, set(), set(), ""
    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        self.links.add(attributes.get("href", "")[1:])
        self.charts += tag == "svg"
        if tag in ("svg", "figure", "table", "div", "p", "text", "title"):
            self.open.append(tag)
    def handle_endtag(self, tag):
        if tag in ("svg", "figure", "table", "div", "p", "text", "title"):
            assert self.open.pop() == tag, tag
    def handle_data(self, data):
        self.text += data
reader = Reader()
reader.feed(page)
assert not reader.open and reader.charts >= 15, (reader.open, reader.charts)
assert reader.links - {""} <= reader.ids, reader.links - reader.ids
for part in ("precision and recall", "ROC", "reliability", "scores", "recall over time", "thresholds", "segments",
             "permutation importance", "Spearman", "logistic regression", "tree of depth 6", "itself", "card_fraud: loss"):
    assert part in reader.text, part
assert "nan" not in re.sub(r"[a-z_]*nan[a-z_]+|[a-z_]+nan[a-z_]*", "", page), "a NaN is drawn"
ap = told["card_fraud"]["metrics"]["average_precision"]["value"]
assert f">{ap:.3f}<" in page, ap
PYTHON
expect 2 train --data e.ndjson --out x --train-from 2025-01-13 --train-to 2025-02-03 --beside a=b
expect 1 train --data e.ndjson --out x --train-from 2025-01-13 --train-to 2025-02-03 --run-dir m/runs
says "--run-dir" err

# Ctrl-C ends training; the best epoch so far becomes the model.
mkfifo epochs
"$hecate" train --data e.ndjson --out stopped.m --train-from 2025-01-13 --train-to 2025-02-03 --known-at 2025-02-08 \
    --epochs 100000 --patience 100000 --log epochs >out 2>err &
later $!
{
    for _ in 1 2 3; do read -r line <&3; done
    kill -INT $!
    cat <&3 >/dev/null
} 3<epochs
wait $! || fail "Ctrl-C should end training well: $(cat err)"
grep -q "stopped on request; epoch [0-9]* is kept" err || fail "a stop should be told: $(cat err)"
jq -e '.heads.ato | .loss > 0 and .weight == 1 and .gradient_norm > 0 and (.cosine.card_fraud | . >= -1 and . <= 1)' \
    <<<"$line" >/dev/null || fail "an epoch's line: $line"
jq -e '.conflict_share | . >= 0 and . <= 1' <<<"$line" >/dev/null || fail "an epoch's line: $line"
expect 0 model inspect stopped.m

# By the planted truth, against the plain definitions.
judged=(eval --model m --data e.ndjson --truth truth.csv --truth-omit stuffing_attempt
    --rows card_fraud=card_auth)
expect 0 "${judged[@]}" --json
cp out figures.json
python3 - "$source/tests/proof" <<'PYTHON' || fail "hecate eval and plain Python disagree"
import csv, json, sys
sys.path.insert(0, sys.argv[1])
from judge import roc_auc_and_ap
truth = {row["event_id"]: row for row in csv.DictReader(open("truth.csv"))}
told = json.load(open("figures.json"))["heads"]
for head in ("card_fraud", "ato"):
    scores, labels = [], []
    for row in csv.DictReader(open("scores.csv")):
        if int(row["event_time_ms"]) < 1738972800000 or not row[head]:
            continue
        if head == "card_fraud" and row["event_type"] != "card_auth":
            continue
        known = truth.get(row["event_id"])
        fraud = known is not None and known["is_fraud"] == "1"
        if known is not None and (known["pattern"] == "stuffing_attempt" or fraud and known["head"] != head):
            continue
        scores.append(float(row[head]))
        labels.append(int(fraud))
    auc, ap = roc_auc_and_ap(scores, labels)
    metrics = told[head]["metrics"]
    print(head, len(labels), sum(labels), auc, ap)
    assert told[head]["rows"] == len(labels) and told[head]["positives"] == sum(labels) > 5
    assert abs(metrics["roc_auc"]["value"] - auc) < 1e-6
    assert abs(metrics["average_precision"]["value"] - ap) < 1e-6
    low, high = metrics["average_precision"]["low"], metrics["average_precision"]["high"]
    assert low < ap < high, (low, ap, high)
PYTHON
expect 0 "${judged[@]}"
says "average_precision" out
says "weighted" out

# Gates.
expect 0 "${judged[@]}" --gate "roc_auc>=0.5" "card_fraud.recall_at_fpr_0.01>0" "weighted.log_loss<1"
says "gate roc_auc>=0.5: met" err
expect 3 "${judged[@]}" --gate "roc_auc>=0.5" --gate "card_fraud.average_precision>0.9999"
says "not met" err
expect 3 "${judged[@]}" --gate "anomaly.log_loss<100"
says "undefined" err
expect 2 "${judged[@]}" --gate "roc_ac>=0.5"
says "did you mean roc_auc" err
expect 2 "${judged[@]}" --gate "cards.roc_auc>=0.5"
says 'no head "cards"' err
expect 2 "${judged[@]}" --gate "roc_auc=>0.5"

# Folds: the same figures whatever the number of workers; by time and by user.
folds=(eval --data e.ndjson --train-from 2025-01-13 --train-days 10 --folds 2 --epochs 3 --bootstrap 20
    --json)
expect 0 "${folds[@]}" --prequential --seeds 2 --workers 1
jq 'del(.us_per_row)' out >one.json
expect 0 "${folds[@]}" --prequential --seeds 2 --workers 3
jq 'del(.us_per_row)' out | cmp - one.json || fail "folds depend on the number of workers"
jq -e '.heads.card_fraud.average_precision | .mean > 0 and .seed_sd >= 0' one.json >/dev/null ||
    fail "no figure for the card head: $(cat one.json)"
expect 3 "${folds[@]}" --prequential --gate "card_fraud.roc_auc>1"
expect 0 "${folds[@]}" --kfold-by user --train-to 2025-02-10
jq -e '.heads.card_fraud.roc_auc.folds | length == 2' out >/dev/null || fail "two parts by user"

# Arms: an arm equal to the first differs in nothing; hiding the labels of a head ruins it.
pairs=(--data e.ndjson --train-from 2025-01-13 --train-days 10 --folds 2 --epochs 2 --seeds 2)
expect 0 compare "${pairs[@]}" --json --arm "all:" "same: --epochs 2" "other: --only ato"
jq -e '.arms | map(.name) == ["all", "same", "other"]' out >/dev/null || fail "the names of the arms"
jq -e '.arms[1].heads[].average_precision | .effect == null or (.effect == 0 and .low == 0)' out \
    >/dev/null || fail "equal arms should not differ: $(jq -c '.arms[1]' out)"
jq -e '[.arms[1].heads[][].verdict] | all(. != "better" and . != "worse")' out >/dev/null ||
    fail "equal arms should be called so"
jq -e '.arms[2].heads.card_fraud.log_loss.effect > 0 and .arms[2].parameters > 0 and
    .arms[2].us_per_row > 0 and .arms[2].train_s > 0' out >/dev/null ||
    fail "a head that learned nothing should lose: $(jq -c '.arms[2].heads.card_fraud' out)"
expect 0 compare "${pairs[@]}" --arm "all:" "two: --dropout 0.5 --epochs 1"
says "against A" out
expect 2 compare "${pairs[@]}" --arm "all:"
expect 2 compare "${pairs[@]}" --arm "all:" "seed: --seed 5"
expect 2 compare "${pairs[@]}" --arm "all:" "wrong: --epoch 5"
says "did you mean --epochs" err
expect 2 compare "${pairs[@]}" --arm "all:" "wrong: --only cards"

expect 0 correlate "${pairs[@]}" --json
jq -e 'map(select(.learned == .judged)) | all(.phi_events == 1 or .phi_events == null)' out \
    >/dev/null || fail "a head's own labels: $(cat out)"
jq -e 'map(select(.learned == "card_fraud" and .judged == "ato"))[0] |
    .spearman > -1 and .events > 100' out >/dev/null || fail "no correlation: $(cat out)"
expect 0 sweep --data e.ndjson --train-from 2025-01-13 --train-days 20 --valid-days 9 --folds 1 \
    --epochs 2 --weights 0.5 2 --json
jq -e 'length == 2 and any(.front)' out >/dev/null || fail "a front of two: $(cat out)"
expect 2 sweep --data e.ndjson --train-from 2025-01-13 --weights 0

# The same with questions of one's own: two that are shown and one that only helps.
cat >heads.conf <<'CONF'
head taken { positive = {"* 05 55"} label_delay = 3d }
head helper { positive_except = {"* 05 55"} label_delay = 3d show = no }
head paid { events = {card_auth} positive_except = {"card_auth 05 55"} label_delay = 3d }
CONF
own=(--heads heads.conf --data e.ndjson --train-from 2025-01-13 --train-days 10 --delay-days 3 --folds 1 --epochs 2)
expect 0 compare "${own[@]}" --json --arm "all:" "one: --only paid" "heavy: --head-weight helper=3"
jq -e '.arms | all(.heads | keys == ["helper", "paid", "taken"] and .paid.roc_auc.mean > 0.4 and .helper.roc_auc.mean == null)' \
    out >/dev/null || fail "arms of heads of one's own: $(jq -c '.arms[0].heads | map_values(.roc_auc)' out)"
expect 0 correlate "${own[@]}" --json
jq -e '[.[].learned] | unique == ["paid", "taken"]' out >/dev/null || fail "correlated heads: $(cat out)"
expect 0 sweep "${own[@]}" --valid-days 4 --weights 1 --json
jq -e '.[0].validation_average_precision | keys == ["helper", "paid", "taken"]' out >/dev/null || fail "swept heads: $(cat out)"
expect 0 eval --prequential "${own[@]}" --json
jq -e '.heads.paid.average_precision.mean > 0 and .heads.card_fraud == null' out >/dev/null || fail "heads of folds"
# Labels that take three days are mature where those of seven are not: the window ends by the heads.
expect 2 compare --heads heads.conf --data e.ndjson --train-from 2025-01-13 --train-days 3 --delay-days 0 --arm a: b:
says "labels take 3 days" err
expect 2 compare "${own[@]}" --arm "all:" "wrong: --only ato"
expect 2 eval --model m --data e.ndjson --heads heads.conf
says "a model has its own heads" err
expect 0 train --data e.ndjson --heads heads.conf --out own.m --train-from 2025-01-13 --train-to 2025-02-03 \
    --known-at 2025-02-12 --epochs 2 --run-dir own
jq -e '.heads | keys == ["paid", "taken"]' own/*/metrics.json >/dev/null || fail "a run of heads of one's own"

# Mistakes.
expect 2 eval --data e.ndjson
expect 2 eval --data e.ndjson --model m --prequential
expect 2 eval --data e.ndjson --prequential
says "--train-from" err
expect 2 eval --data e.ndjson --kfold-by card --train-from 2025-01-13
expect 1 eval --data e.ndjson --prequential --train-from 2025-03-13
says "no test row" err
expect 1 eval --model m --data e.ndjson --from 2026-01-01
says "no event to judge" err
expect 1 eval --model m --data e.ndjson --truth scores.csv
says "is_fraud" err
expect 1 eval --model m --data e.ndjson --rows card_fraud=cards
says "no scored event type" err
