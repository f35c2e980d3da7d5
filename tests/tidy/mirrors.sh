#!/bin/sh
# Every file of core has its test of the same name, and core as a whole is tested by at least as
# many lines as it has.
set -eu
. "$(dirname "$0")/files.sh"
failed=0

for file in $(files_of 'core/*.c'); do
    [ -f "tests/$file" ] || echo "$file: there is no tests/$file"
done | report "core/x/y.c is tested by tests/core/x/y.c" || failed=1

# A test that stands in no meson.build is never run.
for file in $(files_of 'tests/core/*.c' 'tests/daemon/*.c'); do
    dir=$(dirname "$file")
    grep -qsF "$(basename "$file")'" "$dir/meson.build" ||
        echo "$file: $dir/meson.build does not name it"
done | report "a test is named in the meson.build beside it, or nobody runs it" || failed=1

lines_of() {
    files_of "$@" | xargs -r cat | wc -l
}
code=$(lines_of 'core/*.c')
# The oracles and made-up streams in tests/support are tests of core as well.
tests=$(lines_of 'tests/core/*.c' 'tests/core/*.h' 'tests/support/*.c' 'tests/support/*.h')
echo "core: $code lines; tests of core: $tests lines"
[ "$tests" -ge "$code" ] ||
    echo "core has $code lines, its tests $tests" |
    report "at least as many lines of test as of core" || failed=1

exit "$failed"
