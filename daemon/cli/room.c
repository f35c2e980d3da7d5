#include "cli/room.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Before the array. */
struct header {
    alignas(64) size_t bytes; /* of the array */
    int file;                 /* -1: in memory */
};

static struct header *header_of(void *room)
{
    return (struct header *)((char *)room - sizeof(struct header));
}

static int open_file(void)
{
    const char *directory = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof(path), "%s/hecate-rows-XXXXXX",
             directory == NULL || directory[0] == '\0' ? "/var/tmp" : directory);
    int file = mkstemp(path);
    if (file >= 0) {
        unlink(path);
    }
    return file;
}

/* A signal that comes meanwhile (SIGINT ends a training, not this) is no want of room. */
static int reserve(int file, size_t bytes)
{
    int why;
    do {
        why = posix_fallocate(file, 0, (off_t)bytes);
    } while (why == EINTR);
    return why;
}

/* The file mapped at its new length, which is reserved: a disk that is full is told now. */
static struct header *map(int file, size_t bytes)
{
    int why = file < 0 ? errno : reserve(file, sizeof(struct header) + bytes);
    void *mapped = MAP_FAILED;
    if (why == 0) {
        mapped =
            mmap(NULL, sizeof(struct header) + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        why = errno;
    }
    if (mapped == MAP_FAILED) {
        fprintf(stderr,
                "no room for %zu MB of rows (%s): set TMPDIR to a place on a disk with more\n",
                (bytes >> 20) + 1, strerror(why));
        return NULL;
    }
    struct header *header = mapped;
    *header = (struct header){ .bytes = bytes, .file = file };
    return header;
}

static void *in_memory(struct header *old, size_t bytes)
{
    size_t had = old == NULL ? 0 : old->bytes;
    size_t whole = (sizeof(struct header) + bytes + 63) / 64 * 64;
    struct header *grown = aligned_alloc(64, whole);
    if (grown == NULL) {
        return NULL;
    }
    *grown = (struct header){ .bytes = bytes, .file = -1 };
    if (old != NULL) {
        memcpy(grown + 1, old + 1, had < bytes ? had : bytes);
        hec_room_free(old + 1);
    }
    if (had < bytes) {
        memset((char *)(grown + 1) + had, 0, bytes - had);
    }
    return grown + 1;
}

void *hec_room_grow(void *room, size_t bytes, size_t beyond)
{
    struct header *old = room == NULL ? NULL : header_of(room), *grown;
    bool filed = old != NULL && old->file >= 0;
    if (!filed && (beyond == 0 || bytes <= beyond)) {
        return in_memory(old, bytes);
    }
    size_t had = old == NULL ? 0 : old->bytes;
    assert(bytes >= had);
    int file = filed ? old->file : open_file();
    grown = map(file, bytes);
    if (grown == NULL) {
        if (!filed && file >= 0) {
            close(file);
        }
        return NULL;
    }
    if (filed) {
        munmap(old, sizeof(*old) + had);
    } else if (old != NULL) {
        memcpy(grown + 1, old + 1, had);
        free(old);
    }
    return grown + 1;
}

void hec_room_free(void *room)
{
    if (room == NULL) {
        return;
    }
    struct header *header = header_of(room);
    int file = header->file;
    if (file < 0) {
        free(header);
        return;
    }
    munmap(header, sizeof(*header) + header->bytes);
    close(file);
}
