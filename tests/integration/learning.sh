#!/bin/bash
# hecate-learning(7): every command that stands in it runs, in its order, on the files that those
# before it made; and what it says of them is so.
. "$(dirname "$0")/lib.sh"
need python3
cd "$scratch"
cat >payments.conf <<'END'
head card_fraud {
    events = {card_auth, transfer}
    positive_except = {"transfer 05 55 56 57", "card_auth 05 55"}
}
head anomaly {
    kind = novelty
}
END
cat payments.conf - >heads.conf <<'END'
head takeover {
    positive = {"* 05 55"}
}
END

# The examples, a command a line: roff taken off, lines that end in a backslash joined. One that
# does not begin with hecate is a table of figures.
"$hecate" manpage hecate-learning | awk '/^\.nf/ { begins = 1; next } /^\.fi/ { on = 0; print "" }
        begins { on = /^hecate /; begins = 0 } on' |
    sed -e 's/\\-/-/g' -e 's/\\&//g' -e 's/\\e/\\/g' -e 's/\\(aq/'"'"'/g' |
    sed -e ':more' -e '/\\$/N' -e 's/\\\n */ /' -e 'tmore' | sed '/^$/d' >commands
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

# What cannot be is told before anything is read.
refused() {
    local sentence=$1 status=0
    shift
    "$hecate" "$@" >said 2>&1 || status=$?
    [ "$status" = 2 ] && grep -qF -- "$sentence" said || fail "$*: $status, $(cat said)"
}
window='--train-from 2025-01-13 --train-to 2025-02-20 --known-at 2025-02-27'
refused 'for a training with --warm-start' train --data events.ndjson --out m --shots 5 $window
refused 'are of --reptile' pretrain --data events.ndjson --out m --rounds 3 \
    --train-from 2025-01-13 --train-to 2025-02-20
refused 'export takes --onnx' model export base.model
refused "is the model's own" train --data events.ndjson --out m --warm-start base.model \
    --arch mmoe $window
refused 'there is no head "nothing"' train --data events.ndjson --out m --warm-start base.model \
    --new-head nothing $window
refused 'has a head "card_fraud" already' train --data events.ndjson --out m \
    --warm-start base.model --new-head card_fraud $window
