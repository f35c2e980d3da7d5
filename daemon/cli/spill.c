#include "cli/spill.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES (1 << 20)

struct hec_spill {
    int file;
    size_t row_bytes, written, held; /* bytes in the file, and those of the buffer after them */
    atomic_int failed;               /* errno of the first that failed */
    char directory[256];
    char *buffer;
};

enum hec_status hec_spill_new(struct hec_spill **ret, size_t row_bytes, struct hec_error *error)
{
    const char *directory = getenv("TMPDIR");
    char path[288];
    struct hec_spill *spill = calloc(1, sizeof(*spill));
    if (spill == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    directory = directory == NULL || directory[0] == '\0' ? "/var/tmp" : directory;
    snprintf(spill->directory, sizeof(spill->directory), "%s", directory);
    snprintf(path, sizeof(path), "%s/hecate-rows-XXXXXX", spill->directory);
    spill->row_bytes = row_bytes;
    spill->file = mkstemp(path);
    if (spill->file < 0) {
        int why = errno;
        hec_spill_free(spill);
        return hec_fail(
            error, HEC_UNAVAILABLE,
            "rows do not fit into memory and no file can be made in %s (%s): set TMPDIR "
            "to a place on a disk",
            directory, strerror(why));
    }
    unlink(path); /* at once, so that no way out leaves it behind */
    spill->buffer = malloc(BUFFER_BYTES + row_bytes);
    if (spill->buffer == NULL) {
        hec_spill_free(spill);
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    *ret = spill;
    return HEC_OK;
}

void hec_spill_free(struct hec_spill *spill)
{
    if (spill == NULL) {
        return;
    }
    if (spill->file >= 0) {
        close(spill->file);
    }
    free(spill->buffer);
    free(spill);
}

static void fail(struct hec_spill *spill, int why)
{
    int none = 0;
    atomic_compare_exchange_strong(&spill->failed, &none, why == 0 ? EIO : why);
}

static void flush(struct hec_spill *spill)
{
    for (size_t done = 0; done < spill->held;) {
        ssize_t wrote = pwrite(spill->file, spill->buffer + done, spill->held - done,
                               (off_t)(spill->written + done));
        if (wrote <= 0) {
            fail(spill, errno);
            break;
        }
        done += (size_t)wrote;
    }
    spill->written += spill->held;
    spill->held = 0;
}

void hec_spill_add(struct hec_spill *spill, const void *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(spill->buffer + spill->held, (const char *)rows + i * spill->row_bytes,
               spill->row_bytes);
        spill->held += spill->row_bytes;
        if (spill->held >= BUFFER_BYTES) {
            flush(spill);
        }
    }
}

void hec_spill_read(struct hec_spill *spill, size_t row, size_t from, size_t bytes, void *to)
{
    size_t at = row * spill->row_bytes + from;
    if (at >= spill->written) { /* rows are whole on either side */
        memcpy(to, spill->buffer + (at - spill->written), bytes);
        return;
    }
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(spill->file, (char *)to + done, bytes - done, (off_t)(at + done));
        if (got <= 0) {
            fail(spill, errno);
            memset((char *)to + done, 0, bytes - done);
            return;
        }
        done += (size_t)got;
    }
}

enum hec_status hec_spill_failed(const struct hec_spill *spill, struct hec_error *error)
{
    int why = spill == NULL ? 0 : atomic_load(&spill->failed);
    return why == 0 ? HEC_OK
                    : hec_fail(error, HEC_UNAVAILABLE,
                               "rows could not be kept in a file in %s (%s): set TMPDIR to a disk "
                               "with more room",
                               spill->directory, strerror(why));
}
