# Sourced by the tidy tests: where the repository is, and which files are its own.
#
# A file counts from the moment it stands in the tree, committed or not, unless git ignores it.
# Without git (an unpacked archive, a machine that has none, a clone of another user, which git
# refuses) everything counts but the build directories and what is git's own.
cd "$(dirname "$0")/../.."
set -f # patterns are meant for git or find, not for the shell

# Prints the repository's files that match one of the patterns (git's, such as 'core/*.c').
files_of() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard -- "$@" | sort -u
    else
        for pattern in "$@"; do
            find . -type f -path "./$pattern" -not -path './build*' -not -path './.git' \
                -not -path './.git/*' | sed 's|^\./||'
        done | sort -u
    fi | while IFS= read -r file; do
        [ ! -f "$file" ] || printf '%s\n' "$file"
    done
}

# Reads findings; with any, prints them and the rule, and fails. Use as the end of a pipe.
report() {
    found=$(cat)
    [ -n "$found" ] || return 0
    printf '%s\n\nThe rule: %s\n' "$found" "$*" >&2
    return 1
}
