#!/bin/sh
# Each library has one door: the files that may include its headers. Everybody else asks them.
set -eu
. "$(dirname "$0")/files.sh"

# One row a library: what its headers look like, then the files that may include them. Tests and
# benches may look where they like.
table='
cblas|openblas_config|lapacke       core/model/gemm.c
openssl/                            core/base/digest.c daemon/store/redis_tls.c
yyjson                              core/event/* core/model/* core/decide/* core/base/json* daemon/file/* daemon/cli/* daemon/http/* daemon/kafka/* daemon/ops/* daemon/desk/*
xxhash                              core/* daemon/*
librdkafka/                         daemon/kafka/*
hiredis/                            daemon/store/redis*
event2/|evhttp|event\.h             daemon/http/* daemon/service*
confuse                             daemon/ops/*
sqlite3                             daemon/ops/*
zstd|zdict                          daemon/file/*
csv\.h                              daemon/file/*
lz4|lzma|zlib|curl|json-c|jansson   nobody
systemd/                            nobody
'

includes=$(files_of 'core/*.[ch]' 'daemon/*.[ch]' 'include/*.h' |
    xargs -r grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<')

printf '%s\n' "$table" | while read -r library doors; do
    [ -n "$library" ] || continue
    printf '%s\n' "$includes" | grep -E "<($library)" | while IFS= read -r line; do
        file=${line%%:*}
        for door in $doors; do
            case $file in
            $door) continue 2 ;;
            esac
        done
        printf '%s\n    may be included by: %s\n' "$line" "$doors"
    done
done |
    report "a library is known to its door alone; call the door instead (tests/tidy/doors.sh)"
