/*
 * Room: arrays of a number for each row, in memory while they are small, then in a file.
 *
 * The file has no name, lies in $TMPDIR (/var/tmp without one) and is mapped: the system keeps of
 * it what it has memory for and writes out the rest. So what a command needs for itself stays the
 * same however many rows there are.
 */
#ifndef HECATE_CLI_ROOM_H
#define HECATE_CLI_ROOM_H

#include <stddef.h>

/**
 * As realloc; what is new is zero.
 *
 * @param room    NULL, or what this function returned
 * @param bytes   never fewer than it has
 * @param beyond  an array of more bytes lies in a file; 0: never
 * @return NULL when there is no memory, or no room in the folder, which is told on standard error;
 *         the old array then stands
 */
void *hec_room_grow(void *room, size_t bytes, size_t beyond);

/** Accepts NULL. */
void hec_room_free(void *room);

#endif
