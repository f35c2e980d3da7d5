#include "file/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define BLOCK_BYTES (256 * 1024)

struct hec_input {
    int fd;
    char name[200];       /* for messages */
    ZSTD_DStream *stream; /* NULL: the file is plain */
    bool inside;          /* a zstd frame has begun and not ended */
    bool ended;           /* the file has no more bytes */
    size_t at, have;      /* bytes of block not consumed: [at, have) */
    uint64_t position;
    char block[BLOCK_BYTES];
};

static enum hec_status of_errno(int number)
{
    switch (number) {
    case ENOENT: return HEC_NOT_FOUND;
    case EACCES:
    case EPERM: return HEC_DENIED;
    default: return HEC_UNAVAILABLE;
    }
}

static enum hec_status refill(struct hec_input *input, struct hec_error *error)
{
    ssize_t got;
    do {
        got = read(input->fd, input->block, BLOCK_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return hec_fail(error, HEC_UNAVAILABLE, "%s: cannot read: %s", input->name,
                        strerror(errno));
    }
    input->at = 0;
    input->have = (size_t)got;
    input->position += (uint64_t)got;
    input->ended = got == 0;
    return HEC_OK;
}

/* The first bytes tell the format. A pipe may give fewer than four at once; a JSON or CSV text
 * never begins with the magic's first byte, so one byte is enough to know what is not zstd. */
static enum hec_status look(struct hec_input *input, const char *path, struct hec_error *error)
{
    static const unsigned char MAGIC = 0x28, SECOND = 0xb5;
    enum hec_status status = refill(input, error);
    if (status != HEC_OK) {
        return status;
    }
    size_t length = strlen(path);
    bool named = length > 4 && strcmp(path + length - 4, ".zst") == 0;
    bool packed = input->have >= 1 && (unsigned char)input->block[0] == MAGIC &&
                  (input->have < 2 || (unsigned char)input->block[1] == SECOND);
    if (named && !packed && input->have > 0) {
        return hec_fail(error, HEC_CORRUPT, "%s: named .zst but its content is not zstd", path);
    }
    if (!packed) {
        return HEC_OK;
    }
    input->stream = ZSTD_createDStream();
    return input->stream == NULL ? hec_fail(error, HEC_NO_MEMORY, "%s: memory is exhausted", path)
                                 : HEC_OK;
}

enum hec_status hec_input_open(struct hec_input **ret, const char *path, struct hec_error *error)
{
    assert(ret != NULL);
    assert(path != NULL);

    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int number = errno;
        return hec_fail(error, of_errno(number), "%s: cannot open: %s", path, strerror(number));
    }
    struct hec_input *input = calloc(1, sizeof(*input));
    if (input == NULL) {
        close(fd);
        return hec_fail(error, HEC_NO_MEMORY, "%s: memory is exhausted", path);
    }
    input->fd = fd;
    snprintf(input->name, sizeof(input->name), "%s", standard ? "standard input" : path);
    enum hec_status status = look(input, path, error);
    if (status != HEC_OK) {
        hec_input_free(input);
        return status;
    }
    *ret = input;
    return HEC_OK;
}

void hec_input_free(struct hec_input *input)
{
    if (input == NULL) {
        return;
    }
    ZSTD_freeDStream(input->stream);
    close(input->fd);
    free(input);
}

static enum hec_status read_plain(struct hec_input *input, void *bytes, size_t room, size_t *length,
                                  struct hec_error *error)
{
    if (input->at == input->have && !input->ended) {
        enum hec_status status = refill(input, error);
        if (status != HEC_OK) {
            return status;
        }
    }
    size_t take = input->have - input->at;
    if (take == 0) {
        return HEC_END;
    }
    take = take < room ? take : room;
    memcpy(bytes, input->block + input->at, take);
    input->at += take;
    *length = take;
    return HEC_OK;
}

static enum hec_status read_packed(struct hec_input *input, void *bytes, size_t room,
                                   size_t *length, struct hec_error *error)
{
    ZSTD_outBuffer out = { .dst = bytes, .size = room };
    while (out.pos == 0) {
        if (input->at == input->have && !input->ended) {
            enum hec_status status = refill(input, error);
            if (status != HEC_OK) {
                return status;
            }
        }
        bool starved = input->at == input->have;
        if (starved && !input->inside) {
            return HEC_END;
        }
        ZSTD_inBuffer in = { .src = input->block + input->at, .size = input->have - input->at };
        size_t left = ZSTD_decompressStream(input->stream, &out, &in);
        if (ZSTD_isError(left)) {
            return hec_fail(error, HEC_CORRUPT, "%s: damaged zstd stream near byte %llu: %s",
                            input->name,
                            (unsigned long long)(input->position - (input->have - input->at)),
                            ZSTD_getErrorName(left));
        }
        input->at += in.pos;
        input->inside = left != 0;
        if (starved && out.pos == 0) {
            return hec_fail(error, HEC_CORRUPT, "%s: the zstd stream is cut off after %llu bytes",
                            input->name, (unsigned long long)input->position);
        }
    }
    *length = out.pos;
    return HEC_OK;
}

enum hec_status hec_input_read(struct hec_input *input, void *bytes, size_t room, size_t *length,
                               struct hec_error *error)
{
    assert(room > 0);
    return input->stream == NULL ? read_plain(input, bytes, room, length, error)
                                 : read_packed(input, bytes, room, length, error);
}

uint64_t hec_input_position(const struct hec_input *input)
{
    return input->position;
}

uint64_t hec_input_size(const char *path)
{
    struct stat facts;
    if (strcmp(path, "-") == 0 || stat(path, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return 0;
    }
    return (uint64_t)facts.st_size;
}

const char *hec_zstd_version(void)
{
    return ZSTD_versionString();
}
