#!/bin/sh
# Run by `meson install`: copies the settings and the features to where the daemon reads them,
# unless there are some already; what else is shipped stays in share.
#
#   copy_conf.sh FROM TO
set -eu
from=${DESTDIR:-}$1 to=${DESTDIR:-}$2
mkdir -p "$to"
for name in hecate.conf features.conf; do
    if [ -e "$to/$name" ]; then
        echo "Keeping $to/$name (the shipped one is $from/$name)"
    else
        echo "Installing $from/$name to $to"
        install -m 644 "$from/$name" "$to/$name"
    fi
done
