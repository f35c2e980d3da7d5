#!/bin/sh
# Who may include whom: rooms of core in the order in which an event walks through them, the
# daemon only through include/hecate, and every public header on its own.
#
#   include_rules.sh CC
set -eu
. "$(dirname "$0")/files.sh"
cc=${1:-cc}
rooms='base event state feature model learn decide'
failed=0

# The place of a room in that order; the files directly in core (the scorer) come last.
place_of() {
    place=1
    for room in $rooms; do
        [ "$room" != "$1" ] || break
        place=$((place + 1))
    done
    echo "$place"
}

# Lines "file:line:name" of every #include "..." of the given files.
quoted_includes() {
    files_of "$@" | xargs -r grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
        sed -E 's/^([^:]*:[0-9]*):[^"]*"([^"]*)".*/\1:\2/'
}

quoted_includes 'core/*.[ch]' | while IFS=: read -r file line name; do
    own=${file#core/}
    own=${own%%/*}
    case $name in
    hecate/*) [ -f "include/$name" ] || echo "$file:$line: \"$name\" is not in include/" ;;
    */*)
        [ -f "core/$name" ] || {
            echo "$file:$line: \"$name\" is not in core/; a room is named from core/ on"
            continue
        }
        [ "$(place_of "${name%%/*}")" -le "$(place_of "$own")" ] ||
            echo "$file:$line: core/$own is above \"$name\" and may not use it"
        ;;
    *)
        [ -f "core/$name" ] && [ ! -d "core/$own" ] ||
            echo "$file:$line: \"$name\" wants its room before it, as in \"$own/$name\""
        ;;
    esac
done | report "a room of core uses the rooms above it only: $rooms, then the scorer" || failed=1

quoted_includes 'daemon/*.[ch]' | while IFS=: read -r file line name; do
    case $name in
    hecate/*) [ -f "include/$name" ] || echo "$file:$line: \"$name\" is not in include/" ;;
    *)
        [ -f "daemon/$name" ] || grep -qF "output: '$name'" "${file%/*}/meson.build" ||
            echo "$file:$line: \"$name\" is neither hecate/ nor in daemon/ nor made by its meson.build"
        ;;
    esac
done | report "the daemon reaches core only through include/hecate, its own rooms from daemon/ on" ||
    failed=1

quoted_includes 'include/*.h' | while IFS=: read -r file line name; do
    case $name in
    hecate/*) [ -f "include/$name" ] || echo "$file:$line: \"$name\" is not in include/" ;;
    *) echo "$file:$line: \"$name\" is not a public header" ;;
    esac
done | report "a public header includes public headers only" || failed=1

# No warning flag beyond these: an embedder has his own, and pedantic ones are his affair.
for header in $(files_of 'include/*.h'); do
    printf '#include "%s"\n#include "%s"\n' "${header#include/}" "${header#include/}" |
        $cc -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -Iinclude -x c - 2>&1
done | report "every header of include/ compiles alone, and twice" || failed=1

exit "$failed"
