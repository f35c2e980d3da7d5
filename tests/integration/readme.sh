#!/bin/bash
# Every command block of README.md is run, top to bottom, as a reader would run it.
#
# A block is a fence of language `sh`; it runs in bash with -e and pipefail, standard input empty,
# in a copy of the repository whose build/ is this build. All blocks share that copy, so a later
# one may use a file that an earlier one made. A comment on a line of its own directly above a
# fence (blank lines between do not matter) changes that:
#
#   <!-- test: skip REASON -->       is not run; the reason is printed, and it has to be there
#   <!-- test: with broker redis --> starts these servers for this block and those after it
#   <!-- test: replace OLD NEW -->   OLD becomes NEW before it runs; in NEW, BROKER and REDIS stand
#                                    for the servers' address and socket
#   <!-- test: expect REGEX -->      its output has to match (grep -E)
#   <!-- test: seconds N -->         may take N seconds instead of 120
#
# Fences of language `bash`, `shell` and `console` are refused, for they would go by untested.
#
#   readme.sh [FILE]      another file than README.md
#   readme.sh --list      only says what would be run
. "$(dirname "$0")/lib.sh"
list=no
[ "${1:-}" != --list ] || { list=yes; shift; }
readme=$(realpath "${1:-$source/README.md}")
[ -f "$readme" ] || skip "there is no $readme"
name=$(basename "$readme")

# Cuts the file into $scratch/blocks/LINE.sh and, beside it, LINE.how with the comments above it.
cut_blocks() {
    mkdir -p "$scratch/blocks"
    awk -v dir="$scratch/blocks" -v name="$name" '
        function put(text, file) { print text > file }
        inside && /^[ \t]*```[ \t]*$/ {
            if (script != "") close(script)
            inside = 0
            next
        }
        inside {
            if (script != "") {
                line = $0
                sub("^" indent, "", line)
                put(line, script)
            }
            next
        }
        /^[ \t]*```/ {
            inside = 1
            script = ""
            match($0, /^[ \t]*/)
            indent = substr($0, 1, RLENGTH)
            language = $0
            sub(/^[ \t]*```[ \t]*/, "", language)
            sub(/[ \t].*/, "", language)
            if (language == "sh") {
                base = sprintf("%s/%06d", dir, FNR)
                script = base ".sh"
                printf "%s", "" > script
                printf "%s", how > (base ".how")
                close(base ".how")
            } else if (language ~ /^(bash|shell|console|shell-session|zsh)$/) {
                print name ":" FNR ": a block of language " language "; call it sh" > "/dev/stderr"
                bad = 1
            }
            how = ""
            next
        }
        /^[ \t]*<!-- test: .* -->[ \t]*$/ {
            text = $0
            sub(/^[ \t]*<!-- test: /, "", text)
            sub(/ -->[ \t]*$/, "", text)
            how = how text "\n"
            next
        }
        /^[ \t]*<!-- *test/ { print name ":" FNR ": not understood: " $0 > "/dev/stderr"; bad = 1 }
        /[^ \t]/ {
            if (how != "") {
                print name ":" FNR ": a test comment above no block" > "/dev/stderr"
                bad = 1
            }
            how = ""
        }
        END {
            if (inside) { print name ": the last block has no end" > "/dev/stderr"; bad = 1 }
            exit bad
        }' "$readme" || fail "$name has blocks that cannot be tested (above)"
}

copy_of_the_repository() {
    mkdir -p "$scratch/copy"
    (
        cd "$source"
        { git ls-files --cached --others --exclude-standard 2>/dev/null ||
            find . -type f -not -path './build*' -not -path './.git/*'; } |
            while IFS= read -r file; do
                [ ! -f "$file" ] || printf '%s\n' "$file"
            done | xargs -d '\n' cp --parents -t "$scratch/copy"
    )
    ln -s "$build" "$scratch/copy/build"
}

# Text for text: neither side is a pattern.
replace_in() {
    local script=$1 old=$2 new=$3 text
    new=${new//BROKER/${broker:-BROKER}}
    new=${new//REDIS/${redis:-REDIS}}
    text=$(cat "$script")
    [[ $text == *"$old"* ]] || fail "$where: there is no '$old' in the block to be replaced"
    printf '%s\n' "${text//"$old"/"$new"}" >"$script"
}

# Sets seconds, expect and skipped by the comments above a block, and starts what it asks for.
prepare() {
    local script=$1 verb rest
    seconds=120 expect= skipped=
    while read -r verb rest; do
        case $verb in
        skip)
            [ -n "$rest" ] || fail "$where: 'skip' without a reason"
            skipped=$rest
            ;;
        with)
            [ "$list" = no ] || continue
            [[ $rest != *broker* ]] || [ -n "${broker:-}" ] || start_broker
            [[ $rest != *redis* ]] || [ -n "${redis:-}" ] || start_redis
            ;;
        replace) [ "$list" = yes ] || replace_in "$script" "${rest%% *}" "${rest#* }" ;;
        expect) expect=$rest ;;
        seconds) seconds=$rest ;;
        *) fail "$where: 'test: $verb' is unknown; see the head of tests/integration/readme.sh" ;;
        esac
    done <"${script%.sh}.how"
}

run() {
    local script=$1 status=0
    (
        cd "$scratch/copy"
        timeout --kill-after=10 "$seconds" bash -eo pipefail "$script"
    ) >"$scratch/output" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        sed 's/^/    | /' "$script" "$scratch/output" >&2
        [ "$status" -ne 124 ] || fail "$where: took more than $seconds s"
        fail "$where: ended with status $status"
    fi
    if [ -n "$expect" ] && ! grep -qE -- "$expect" "$scratch/output"; then
        sed 's/^/    | /' "$scratch/output" >&2
        fail "$where: the output (above) does not match '$expect'"
    fi
}

cut_blocks
[ "$list" = yes ] || copy_of_the_repository
ran=0
for script in "$scratch"/blocks/*.sh; do
    [ -e "$script" ] || break
    line=$(basename "$script" .sh)
    where=$name:$((10#$line))
    prepare "$script"
    if [ -n "$skipped" ]; then
        echo "$where: skipped: $skipped"
        continue
    fi
    first=$(grep -m 1 . "$script" || true)
    if [ "$list" = no ]; then
        began=$SECONDS
        run "$script"
        echo "$where: ok, $((SECONDS - began)) s: $first"
    else
        echo "$where: would run: $first"
    fi
    ran=$((ran + 1))
done
[ "$ran" -gt 0 ] || fail "$name has no block that runs"
