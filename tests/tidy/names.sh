#!/bin/sh
# How things are named and how a file opens.
set -eu
. "$(dirname "$0")/files.sh"
failed=0
sources=$(files_of 'core/*.[ch]' 'daemon/*.[ch]' 'include/*.h' 'tests/*.[ch]')
[ -n "$sources" ] || exit 0

# include/hecate/x.h is HECATE_X_H; core/state/x.h may be X_H, STATE_X_H or HECATE_STATE_X_H, but
# names itself and no other.
for header in $(printf '%s\n' "$sources" | grep '\.h$'); do
    stem=$(basename "$header" .h | tr 'a-z-' 'A-Z_')
    guard=$(awk '/^#ifndef/ { print $2; exit }' "$header")
    case $guard in
    HECATE_*"$stem"_H | "$stem"_H | *_"$stem"_H)
        grep -q "^#define $guard\$" "$header" ||
            echo "$header:1: the guard $guard is asked for but not defined"
        ;;
    *) echo "$header:1: the guard is '$guard'; it should end in ${stem}_H" ;;
    esac
    case $header in
    include/hecate/*) [ "$guard" = "HECATE_${stem}_H" ] ||
        echo "$header:1: the guard of a public header is HECATE_${stem}_H" ;;
    esac
done | report "a header has a guard with its own name" || failed=1

# An implementation may leave it to its header, and then opens by including that.
for file in $sources; do
    first=$(head -n 1 "$file")
    own=$(basename "$file" .c).h
    case $file:$first in
    *:'/*'*) ;;
    *.c:'#include "'*"/$own\"") ;;
    *) echo "$file:1: opens without a word" ;;
    esac
done | report "a file opens with a comment: its idea (or with its own header, which does)" || failed=1

printf '%s\n' "$sources" | grep -E '^(core|daemon|include)/' |
    xargs -r grep -nHE '^[[:space:]]*typedef (struct|enum|union)' |
    report "a struct is called struct, and so on: no typedef" || failed=1

# A function of another file is found by its name: hec_<module>_<verb>.
for header in $(files_of 'core/*.h' 'daemon/*.h' 'include/*.h'); do
    awk -v file="$header" '
        /^(static|typedef|#|\/|[[:space:]]|struct [a-z_0-9]+ \{|enum [a-z_0-9]+ \{|extern "C")/ { next }
        match($0, /^[A-Za-z_][A-Za-z_0-9 *]*\(/) {
            head = substr($0, 1, RLENGTH - 1)
            sub(/__attribute__.*/, "", head)
            n = split(head, word, /[ *]+/)
            if (n > 1 && word[n] != "" && word[n] !~ /^(hec_|__attribute__|HEC_)/)
                print file ":" FNR ": " word[n]
        }' "$header"
done | report "what other files may call is named hec_<module>_<verb>" || failed=1

exit "$failed"
