#!/bin/sh
# Sizes that keep the house livable: a function up to 70 lines (main up to 60), a file up to 600, a
# line up to 100 columns. What a generator wrote (tests/data) is as long as its data.
set -eu
. "$(dirname "$0")/files.sh"

# A function runs from the line after a "{" in the first column to the "}" in the first column;
# that is where clang-format puts them. Structures and tables begin with their brace at a line's
# end and are not counted. A column is a character, not a byte.
LC_ALL=C.UTF-8
export LC_ALL
files_of 'core/*.[ch]' 'daemon/*.[ch]' 'include/*.h' 'tests/*.[ch]' | grep -v '^tests/data/' |
    xargs -r awk '
        function end_of_file() {
            if (lines > 600) print last ":600: the file has " lines " lines"
        }
        FNR == 1 { if (NR > 1) end_of_file(); start = 0; name = "" }
        { lines = FNR; last = FILENAME }
        {
            line = $0
            gsub(/[\200-\277]/, "", line) # continuation bytes, where awk counts bytes
            if (length(line) > 100) print FILENAME ":" FNR ": " length(line) " columns"
        }
        /^[A-Za-z].*\(/ { name = $0 }
        /^\{/ { start = FNR }
        /^\}/ {
            most = name ~ /[ *]main\(/ ? 60 : 70
            if (start && FNR - start - 1 > most)
                print FILENAME ":" start ": " FNR - start - 1 " lines: " substr(name, 1, 60)
            start = 0
        }
        END { if (NR) end_of_file() }' |
    report "a function has up to 70 lines (main 60), a file 600, a line 100 columns: find the part" \
        "that has a name of its own"
