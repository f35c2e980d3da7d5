#!/bin/bash
# The manual pages: man has no warning, whatis finds them, and they name every command, flag,
# setting, metric, rule and log event. The completion: bash, zsh and fish take it, and bash offers
# what the table has.
. "$(dirname "$0")/lib.sh"
need man lexgrog
cd "$scratch"
mkdir pages
"$hecate" manpage --all pages || fail "the pages cannot be written"
[ "$(ls pages | tr '\n' ' ')" = 'hecate-features.5 hecate-learning.7 hecate.1 hecate.conf.5 hecated.8 ' ] ||
    fail "the pages are $(ls pages)"
for page in pages/*; do
    LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=100 man --warnings -E UTF-8 -l "$page" \
        >"$page.text" 2>said || fail "man cannot read $page: $(cat said)"
    [ ! -s said ] || fail "man warns of $page: $(cat said)"
    lexgrog "$page" >said || fail "whatis cannot read the name in $page: $(cat said)"
done

named() {
    local page=$1 word
    shift
    for word in "$@"; do
        grep -qwF -- "$word" "pages/$page.text" || fail "$page does not name $word"
    done
}
commands=$("$hecate" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
named hecate.1 $commands
for command in $commands; do
    named hecate.1 $("$hecate" "$command" --help | sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p')
done
named hecate.conf.5 $("$hecate" config default | sed -n 's/^    \([a-z_]*\) = .*/\1/p')
named hecated.8 $("$hecate" monitoring rules | sed -n 's/^      - alert: //p')
named hecated.8 $("$hecated" --help | grep -o -- '--[a-z]*' | sort -u)
named hecated.8 $(sed -n 's/^    X("\([a-z_]*\)", .*/\1/p' "$source/daemon/ops/log_events.h")
named hecate-learning.7 --delay-model --warm-start --freeze-trunk --new-head --shots
named hecate-features.5 count sum chain amount_minor geo.lat filter3 prior_weight merchant
status=0
"$hecate" manpage hecate.cnf >said 2>&1 || status=$?
[ "$status" = 2 ] && grep -q 'did you mean hecate.conf' said || fail "a mistyped page: $(cat said)"

for shell in bash zsh fish; do
    "$hecate" completion "$shell" >"completion.$shell"
    ! command -v "$shell" >/dev/null || "$shell" -n "completion.$shell" ||
        fail "$shell does not take its completion"
done
# offered WORD...: what bash offers for the last of these words.
offered() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _hecate
    printf '%s ' "${COMPREPLY[@]}"
}
. ./completion.bash
[ "$(offered hecate mon)" = 'monitoring ' ] || fail "it offers $(offered hecate mon)"
[ "$(offered hecate config e)" = 'explain ' ] || fail "it offers $(offered hecate config e)"
[ "$(offered hecate config --of)" = '--offline ' ] || fail "it offers $(offered hecate config --of)"
[[ "$(offered hecate '')" == *'train '* ]] || fail "it offers $(offered hecate '')"
[ "$(offered hecate score completion.ba)" = 'completion.bash ' ] || fail "it offers no file"
