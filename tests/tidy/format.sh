#!/bin/sh
# Every C source lies as .clang-format says.
set -eu
. "$(dirname "$0")/files.sh"

command -v clang-format >/dev/null || {
    echo "skipped: there is no clang-format"
    exit 77
}
# Releases differ in small things; the files are written with this one's.
major=$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/')
[ "$major" = 14 ] || {
    echo "skipped: the sources are laid out by clang-format 14, this is $major"
    exit 77
}
files_of 'core/*.[ch]' 'daemon/*.[ch]' 'include/*.h' 'tests/*.[ch]' |
    xargs -r clang-format --dry-run 2>&1 | grep -E '(warning|error):' |
    report "run: clang-format -i on the files above"
