#!/bin/sh
# A file as numbers with commas, for a C array. embed.sh FILE >page_bytes.h
od -An -v -tu1 "$1" | sed 's/  *\([0-9][0-9]*\)/\1,/g'
