#!/bin/sh
# Nothing unfinished, nothing of one machine: words and names that do not belong in the repository.
set -eu
. "$(dirname "$0")/files.sh"
failed=0
self=tests/tidy/words.sh

# grep over the named files, but for this one, which has to spell what it looks for.
look() {
    what=$1
    shift
    files_of "$@" | grep -vxF "$self" | xargs -r -d '\n' grep -nHIE "$what" || true
}

look '\b(TODO|FIXME|XXX|HACK|TBD)\b' '*' |
    report "what is left to do goes to an issue, not into a file" || failed=1

look '\b([Nn]ot (yet )?implemented|[Uu]nimplemented|[Pp]laceholder|[Ss]tubs?|[Dd]ummy)\b' \
    'core/*' 'daemon/*' 'include/*' 'conf/*' 'systemd/*' | grep -v ' placeholder: "' |
    report "what is there is finished; what is not finished is not there" || failed=1

look '(^|[^A-Za-z0-9_.])/(work|farm|home/[a-z]+|root)/' '*' |
    report "no path of one machine" || failed=1

look '://[a-z0-9.-]*(debian|ubuntu|maven|apache|pypi|pythonhosted|npmjs|crates|golang)[a-z0-9.-]*/' \
    '*' | grep -vE 'maven\.apache\.org/POM|www\.apache\.org/licenses|debian\.org/doc' |
    report "no host of a package registry; take it from the tool that is configured with it" ||
    failed=1

files_of '*' | grep -E '(\.orig|\.rej|\.bak|\.swp|~)$|(^|/)(core\.[0-9]+|\.DS_Store)$' |
    report "leftovers of an editor, a merge or a crash" || failed=1

files_of '*' | xargs -r -d '\n' ls -l | awk '$5 > 1500000 { print $NF ": " $5 " bytes" }' |
    report "no file above 1.5 MB" || failed=1

exit "$failed"
