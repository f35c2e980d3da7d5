#!/bin/sh
# Run by `meson install`: copies each shipped *.conf to where the daemon reads it, unless there is
# one already.
#
#   copy_conf.sh FROM TO
set -eu
from=${DESTDIR:-}$1 to=${DESTDIR:-}$2
mkdir -p "$to"
for file in "$from"/*.conf; do
    name=$(basename "$file")
    [ -e "$file" ] || continue
    if [ -e "$to/$name" ]; then
        echo "Keeping $to/$name (the shipped one is $file)"
    else
        echo "Installing $file to $to"
        install -m 644 "$file" "$to/$name"
    fi
done
