#!/bin/sh
# Core must not touch the world. Ask the linker, not the reader.
#
#   core_is_pure.sh LIBHECATE.a
set -eu
library=$(realpath "$1")
. "$(dirname "$0")/files.sh"

# As functions are named in an object file: plain, the 64-bit twin (fopen64), the checked one that
# _FORTIFY_SOURCE takes (__fprintf_chk), and the standard's own (__isoc99_fscanf).
files='open|openat|creat|read|pread|readv|write|pwrite|writev|close|lseek|mmap|munmap|ioctl|fcntl|
    stat|fstat|lstat|unlink|rename|mkdir|opendir|readdir|select|poll|epoll_.*|pipe|dup2?'
stdio='fopen|fdopen|freopen|fclose|fread|fwrite|fgets|fputs|fputc|fgetc|getline|getc|putc|fflush|
    fseek|ftell|printf|fprintf|dprintf|vprintf|vfprintf|vdprintf|puts|putchar|perror|scanf|fscanf|
    tmpfile|mkstemp|stdout|stderr|stdin|syslog|remove'
network='socket|connect|bind|listen|accept4?|send|sendto|sendmsg|recv|recvfrom|recvmsg|
    getaddrinfo|gethostbyname'
clocks='time|clock|clock_gettime|gettimeofday|times|nanosleep|usleep|sleep|localtime(_r)?|
    mktime|timespec_get|strftime'
surroundings='getenv|secure_getenv|setenv|putenv|getpid|getppid|gethostname|uname|sysconf|environ|
    setlocale|localeconv'
chance='rand|srand|rand_r|random|srandom|[ejlmn]rand48|drand48|arc4random.*|getrandom|getentropy|
    RAND_.*'
processes='fork|vfork|exec.*|system|popen|signal|sigaction|kill|raise|exit|_exit|pthread_create|
    thrd_create|dlopen'
libraries='redis.*|rd_kafka_.*|event_.*|evhttp_.*|evbuffer_.*|cfg_.*|sqlite3_.*|ZSTD_.*|
    yyjson_(read|write|mut_write|val_write)_(file|fp)'

names=$(printf '%s|' "$files" "$stdio" "$network" "$clocks" "$surroundings" "$chance" \
    "$processes" "$libraries" | tr -d ' \n')

# An archive without code of ours would say nothing too.
nm "$library" | grep -q ' T hec_' || {
    echo "$library: no library with a function of core in it" >&2
    exit 1
}
nm --undefined-only "$library" |
    awk '/\.o:$/ { object = $1 } $1 == "U" { print object " " $2 }' |
    grep -E " (__)?(isoc[0-9]*_)?(${names%|})(64)?(_2)?(_chk)?(@.*)?\$" |
    report "core computes; it calls none of these. Move the call to daemon/, or take the value" \
        "as an argument"
