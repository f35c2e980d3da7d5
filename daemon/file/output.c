#include "file/output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define BLOCK_BYTES (256 * 1024)
#define LEVEL 3

struct hec_output {
    int fd;
    int failure; /* errno of the first write that failed */
    bool renames;
    char path[PATH_MAX];
    char beside[PATH_MAX]; /* where the bytes are until the rename */
    ZSTD_CStream *stream;  /* NULL: plain */
    char *packed;          /* compressed bytes on their way */
    size_t packed_bytes;
    size_t have;
    char block[BLOCK_BYTES];
};

static bool packed_name(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".zst") == 0;
}

static int open_it(struct hec_output *output, const char *path)
{
    struct stat facts;
    if (strcmp(path, "-") == 0) {
        return dup(STDOUT_FILENO);
    }
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode)) {
        return open(path, O_WRONLY | O_CLOEXEC);
    }
    int length =
        snprintf(output->beside, sizeof(output->beside), "%s.%ld.part", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof(output->beside)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    output->renames = true;
    return open(output->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

static bool make_stream(struct hec_output *output)
{
    output->stream = ZSTD_createCStream();
    output->packed_bytes = ZSTD_CStreamOutSize();
    output->packed = malloc(output->packed_bytes);
    return output->stream != NULL && output->packed != NULL &&
           !ZSTD_isError(ZSTD_initCStream(output->stream, LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(output->stream, ZSTD_c_checksumFlag, 1));
}

enum hec_status hec_output_open(struct hec_output **ret, const char *path, struct hec_error *error)
{
    assert(ret != NULL);
    assert(path != NULL);

    struct hec_output *output = calloc(1, sizeof(*output));
    if (output == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "%s: memory is exhausted", path);
    }
    snprintf(output->path, sizeof(output->path), "%s", path);
    output->fd = open_it(output, path);
    if (output->fd < 0) {
        int number = errno;
        free(output);
        return hec_fail(error,
                        number == ENOENT                      ? HEC_NOT_FOUND
                        : number == EACCES || number == EPERM ? HEC_DENIED
                                                              : HEC_UNAVAILABLE,
                        "%s: cannot write: %s", path, strerror(number));
    }
    if (packed_name(path) && !make_stream(output)) {
        hec_output_discard(output);
        return hec_fail(error, HEC_NO_MEMORY, "%s: memory is exhausted", path);
    }
    *ret = output;
    return HEC_OK;
}

static void put(struct hec_output *output, const char *bytes, size_t length)
{
    while (length > 0 && output->failure == 0) {
        ssize_t put = write(output->fd, bytes, length);
        if (put < 0 && errno != EINTR) {
            output->failure = errno;
        } else if (put > 0) {
            bytes += put;
            length -= (size_t)put;
        }
    }
}

static void drain(struct hec_output *output, ZSTD_EndDirective directive)
{
    if (output->stream == NULL) {
        put(output, output->block, output->have);
        output->have = 0;
        return;
    }
    ZSTD_inBuffer in = { .src = output->block, .size = output->have };
    size_t left = 1;
    while (output->failure == 0 && (in.pos < in.size || (directive != ZSTD_e_continue && left))) {
        ZSTD_outBuffer out = { .dst = output->packed, .size = output->packed_bytes };
        left = ZSTD_compressStream2(output->stream, &out, &in, directive);
        if (ZSTD_isError(left)) {
            output->failure = EIO;
        }
        put(output, output->packed, out.pos);
    }
    output->have = 0;
}

char *hec_output_room(struct hec_output *output, size_t length)
{
    assert(length <= HEC_OUTPUT_ROOM_MAX);
    if (BLOCK_BYTES - output->have < length) {
        drain(output, ZSTD_e_continue);
    }
    return output->block + output->have;
}

void hec_output_advance(struct hec_output *output, size_t length)
{
    assert(length <= BLOCK_BYTES - output->have);
    output->have += length;
}

void hec_output_write(struct hec_output *output, const void *bytes, size_t length)
{
    const char *from = bytes;
    while (length > 0) {
        size_t part = length < HEC_OUTPUT_ROOM_MAX ? length : HEC_OUTPUT_ROOM_MAX;
        memcpy(hec_output_room(output, part), from, part);
        hec_output_advance(output, part);
        from += part;
        length -= part;
    }
}

void hec_output_print(struct hec_output *output, const char *format, ...)
{
    char *room = hec_output_room(output, 1024);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(room, 1024, format, arguments);
    va_end(arguments);
    assert(length >= 0 && length < 1024);
    hec_output_advance(output, (size_t)length);
}

void hec_output_flush(struct hec_output *output)
{
    drain(output, ZSTD_e_flush);
}

bool hec_output_failed(const struct hec_output *output)
{
    return output->failure != 0;
}

static void release(struct hec_output *output)
{
    ZSTD_freeCStream(output->stream);
    free(output->packed);
    free(output);
}

enum hec_status hec_output_close(struct hec_output *output, struct hec_error *error)
{
    if (output == NULL) {
        return HEC_OK;
    }
    drain(output, ZSTD_e_end);
    if (output->renames && output->failure == 0 && fsync(output->fd) != 0) {
        output->failure = errno;
    }
    if (close(output->fd) != 0 && output->failure == 0) {
        output->failure = errno;
    }
    if (output->renames && output->failure == 0 && rename(output->beside, output->path) != 0) {
        output->failure = errno;
    }
    enum hec_status status = HEC_OK;
    if (output->failure != 0) {
        if (output->renames) {
            unlink(output->beside);
        }
        status = hec_fail(error, HEC_UNAVAILABLE, "%s: cannot write: %s", output->path,
                          strerror(output->failure));
    }
    release(output);
    return status;
}

void hec_output_discard(struct hec_output *output)
{
    if (output == NULL) {
        return;
    }
    close(output->fd);
    if (output->renames) {
        unlink(output->beside);
    }
    release(output);
}

enum hec_status hec_output_end(struct hec_output *output, enum hec_status status,
                               struct hec_error *error)
{
    if (status == HEC_OK) {
        return hec_output_close(output, error);
    }
    hec_output_discard(output);
    return status;
}

enum hec_status hec_output_whole(const char *path, const void *bytes, size_t length,
                                 struct hec_error *error)
{
    struct hec_output *output;
    enum hec_status status = hec_output_open(&output, path, error);
    if (status != HEC_OK) {
        return status;
    }
    hec_output_write(output, bytes, length);
    return hec_output_close(output, error);
}
