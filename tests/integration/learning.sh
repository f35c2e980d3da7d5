#!/bin/bash
# hecate-learning(7): every command that stands in it runs, in its order, on the files that those
# before it made; and what it says of them is so.
. "$(dirname "$0")/lib.sh"
need python3
cd "$scratch"

# The examples that begin with a word, roff taken off.
examples() {
    "$hecate" manpage hecate-learning |
        awk -v word="$1" '/^\.nf/ { begins = 1; next } /^\.fi/ { on = 0; print "" }
            begins { on = index($0, word " ") == 1; begins = 0 } on' |
        sed -e 's/\\-/-/g' -e 's/\\&//g' -e 's/\\e/\\/g' -e 's/\\(aq/'"'"'/g' -e 's/\\(dq/"/g'
}
# The heads of the page, in two files as it says.
examples head >heads.conf
sed '/^head takeover/,$d' heads.conf >payments.conf
[ "$(grep -c '^head' heads.conf)" = 3 ] && [ "$(grep -c '^head' payments.conf)" = 2 ] ||
    fail "the page describes other heads: $(cat heads.conf)"
# A command a line: those that end in a backslash joined. What begins otherwise is a table of figures.
examples hecate | sed -e ':more' -e '/\\$/N' -e 's/\\\n */ /' -e 'tmore' | sed '/^$/d' >commands
[ "$(wc -l <commands)" -ge 3 ] || fail "the page has no commands: $(cat commands)"
ran=0
while IFS= read -r command; do
    case $command in
    'hecate '*) ;;
    *) fail "the page has what is no command of hecate: $command" ;;
    esac
    eval "\"\$hecate\" ${command#hecate }" >"said.$ran" 2>"told.$ran" </dev/null ||
        fail "$command: $(cat "said.$ran" "told.$ran")"
    ran=$((ran + 1))
done <commands

# With a frozen trunk the heads that were there score as before; the new one finds takeovers.
score() {
    "$hecate" score --model "$1" --data events.ndjson --out - 2>/dev/null
}
score base.model | cut -d, -f1,5,6 >before
score takeover.model | cut -d, -f1,5,6 >after
cmp -s before after || fail "a new head over a frozen trunk changed the others' scores"
score later.model | cut -d, -f1,5,6 >later
! cmp -s before later || fail "a warm start learned nothing"

# Contributions add up, and what would have passed is told of every alert.
python3 - <<'END' || fail "the explanations are not what they should be"
import csv, json
rows = [json.loads(line) for line in open("why.ndjson")]
assert rows and {r["head"] for r in rows} == {"card_fraud", "anomaly"}, len(rows)
for r in rows:
    total = sum(r["contributions"].values())
    apart = r["logit"] - r["baseline_logit"]
    assert abs(total - apart) <= 1e-3 * max(1, abs(apart)), (r["event_id"], total, apart)
    assert ("would_have_passed" in r) == (r["head"] == "card_fraud")
told = [r["would_have_passed"] for r in rows if r.get("would_have_passed")]
assert told and all(change["feature"] for changes in told for change in changes)
table = list(csv.DictReader(open("why.csv")))
assert len(table) == 100 and all(r["head"] == "card_fraud" for r in table)
shots = list(csv.DictReader(open("shots.csv")))
assert len(shots) == 3 * 2 * 2 and {r["arm"] for r in shots} == {"scratch", "frozen", "tuned"}
taken = list(csv.DictReader(open("rows/shots.csv")))
assert len(taken) == 2 * (5 + 10)
END

[ "$(head -c 16 base.onnx | tr -cd a-z)" = hecate ] || fail "base.onnx is no ONNX of hecate's"
grep -q 'loss 0\.' said.* || fail "pretraining does no better than the mean: $(grep -h loss said.*)"
score from-masked.model >from-masked || fail "a start from masked features gives no model"

# Young events: the curve is told, and more rows train than without.
grep -q "head 'card_fraud': of [0-9]* matured frauds half were reported within" told.* ||
    fail "how late labels are was not told: $(cat told.*)"

# What cannot be is told before anything is read.
refused() {
    local sentence=$1 status=0
    shift
    "$hecate" "$@" >said 2>&1 || status=$?
    [ "$status" = 2 ] && grep -qF -- "$sentence" said || fail "$*: $status, $(cat said)"
}
window='--train-from 2025-01-13 --train-to 2025-02-20 --known-at 2025-02-27'
refused 'for a training with --warm-start' train --data events.ndjson --out m --shots 5 $window
refused 'would show those of young events again' train --data events.ndjson --out m --shots 5 \
    --warm-start base.model --heads heads.conf --new-head takeover --delay-model $window
refused 'is for folds by time' eval --kfold-by user --delay-model --folds 2 \
    --data events.ndjson --train-from 2025-01-13 --train-to 2025-02-20
refused 'are of --reptile' pretrain --data events.ndjson --out m --rounds 3 \
    --train-from 2025-01-13 --train-to 2025-02-20
refused 'must be above 0' pretrain --data events.ndjson --out m --mask-share 0 $window
refused 'hides nothing' pretrain --data events.ndjson --out m --reptile --mask-share 0.2 $window
refused 'export takes --onnx' model export base.model
for flag in '--arch mmoe' '--trunk-0 64' '--trunk-1 64' '--tower 16' '--experts 3' --one-gate; do
    refused "is the model's own" train --data events.ndjson --out m --warm-start base.model \
        $flag $window
done
refused "is the model's own" pretrain --data events.ndjson --out m --warm-start masked.model \
    --tower 16 $window
refused 'there is no head "nothing"' train --data events.ndjson --out m --warm-start base.model \
    --new-head nothing $window
refused 'has a head "card_fraud" already' train --data events.ndjson --out m \
    --warm-start base.model --new-head card_fraud $window

# Of a study too, whatever is missing on the disk: nothing of it is read.
study() {
    refused "$1" fewshot --data no.such.file --heads heads.conf --new-head takeover \
        --train-from 2025-01-13 --train-to 2025-02-05 --test-from 2025-02-12 --test-to 2025-02-28 "${@:2}"
}
study 'takes a name, a colon' --shots 5 --arm scratch
study 'takes a name, a colon' --shots 5 --arm ': --epochs 4'
study 'with --warm-start' --shots 5 --arm 'a: --freeze-trunk'
study "is the model's own" --shots 5 --arm 'a: --warm-start base.model --arch mmoe'
study 'are for --arch mmoe' --shots 5 --arm 'a: --experts 3'
study 'numbers from 1' --shots five --arm a:
study 'numbers from 1' --shots '' --arm a:
study 'at most 16' --shots $(seq 17) --arm a:

# Fewer frauds than asked for are told, and where shots are compared they are refused.
status=0
"$hecate" fewshot --data events.ndjson --heads heads.conf --new-head takeover --arm a: \
    --shots 5 100000 --train-from 2025-01-13 --train-to 2025-02-05 --known-at 2025-02-12 \
    --test-from 2025-02-12 --test-to 2025-02-28 --out none.csv >said 2>&1 || status=$?
[ "$status" = 1 ] && grep -q -- "--shots 100000: the window has only [0-9]* frauds" said && [ ! -e none.csv ] ||
    fail "too many shots: $status, $(cat said)"
"$hecate" train --data events.ndjson --warm-start base.model --heads heads.conf --new-head takeover \
    --shots 100000 --freeze-trunk --epochs 1 --out m $window >said 2>&1 || fail "$(cat said)"
grep -q -- "--shots 100000, but the window has only [0-9]* frauds of head 'takeover'" said ||
    fail "a window with fewer frauds than shots is not told: $(cat said)"

# One class of labels fits no line: the model stays as it is, and says so.
"$hecate" adapt --model base.model --data events.ndjson --out m --by labels --source-to 2025-02-10 \
    --target-from 2025-02-10T00:00:00Z --target-to 2025-02-10T00:20:00Z >said 2>&1 || fail "$(cat said)"
grep -q 'card_fraud .* labels: none is fraud, and a line needs both kinds' said && ! grep -q nan said ||
    fail "one class: $(cat said)"
