#include "file/lines.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/input.h"

#define BLOCK_BYTES_MIN ((size_t)1 << 20)

struct hec_lines {
    char **paths;
    size_t paths_count, next; /* next: index of the file to open after the current one */
    struct hec_input *input;  /* NULL between files */
    bool input_ended;
    const char *path;
    uint64_t number;
    int64_t offset;
    uint64_t bytes_done, bytes_all; /* of whole files; bytes_all 0 = not known */
    size_t line_bytes_max;
    bool passing; /* inside the rest of a line that was cut */
    char *block;
    size_t block_bytes, at, have;
};

enum hec_status hec_lines_open(struct hec_lines **ret, const char *const *paths, size_t paths_count,
                               size_t line_bytes_max, struct hec_error *error)
{
    assert(paths_count > 0);
    assert(line_bytes_max > 0);

    struct hec_lines *lines = calloc(1, sizeof(*lines));
    bool sizes_known = true;
    if (lines == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    lines->line_bytes_max = line_bytes_max;
    lines->block_bytes =
        2 * line_bytes_max + 2 > BLOCK_BYTES_MIN ? 2 * line_bytes_max + 2 : BLOCK_BYTES_MIN;
    lines->block = malloc(lines->block_bytes);
    lines->paths = calloc(paths_count, sizeof(*lines->paths));
    bool complete = lines->block != NULL && lines->paths != NULL;
    for (size_t i = 0; complete && i < paths_count; i++) {
        lines->paths[i] = strdup(paths[i]);
        lines->paths_count = i + 1;
        complete = lines->paths[i] != NULL;
        if (strcmp(paths[i], "-") != 0 && access(paths[i], R_OK) != 0) {
            enum hec_status status = errno == ENOENT ? HEC_NOT_FOUND : HEC_DENIED;
            hec_fail(error, status, "%s: cannot open: %s", paths[i], strerror(errno));
            hec_lines_free(lines);
            return status;
        }
        uint64_t size = hec_input_size(paths[i]);
        sizes_known = sizes_known && size > 0;
        lines->bytes_all += size;
    }
    if (!complete) {
        hec_lines_free(lines);
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    lines->bytes_all = sizes_known ? lines->bytes_all : 0;
    *ret = lines;
    return HEC_OK;
}

void hec_lines_free(struct hec_lines *lines)
{
    if (lines == NULL) {
        return;
    }
    hec_input_free(lines->input);
    for (size_t i = 0; i < lines->paths_count; i++) {
        free(lines->paths[i]);
    }
    free(lines->paths);
    free(lines->block);
    free(lines);
}

static enum hec_status next_file(struct hec_lines *lines, struct hec_error *error)
{
    if (lines->input != NULL) {
        lines->bytes_done += hec_input_position(lines->input);
        hec_input_free(lines->input);
        lines->input = NULL;
    }
    if (lines->next == lines->paths_count) {
        return HEC_END;
    }
    lines->path = lines->paths[lines->next++];
    lines->number = 0;
    lines->input_ended = false;
    lines->passing = false;
    lines->at = 0;
    lines->have = 0;
    return hec_input_open(&lines->input, lines->path, error);
}

/* Moves what is left to the front and reads behind it. */
static enum hec_status refill(struct hec_lines *lines, struct hec_error *error)
{
    size_t left = lines->have - lines->at;
    memmove(lines->block, lines->block + lines->at, left);
    lines->at = 0;
    lines->have = left;

    size_t length = 0;
    enum hec_status status = hec_input_read(lines->input, lines->block + left,
                                            lines->block_bytes - left, &length, error);
    if (status == HEC_END) {
        lines->input_ended = true;
        return HEC_OK;
    }
    lines->have += length;
    return status;
}

/* Finds the next line's bytes in the block. False: more must be read first. */
static bool cut(struct hec_lines *lines, const char **bytes, size_t *length)
{
    const char *start = lines->block + lines->at;
    size_t left = lines->have - lines->at;
    const char *end = memchr(start, '\n', left);
    bool overlong = end == NULL && left > lines->line_bytes_max;
    if (end == NULL && !overlong && !(lines->input_ended && left > 0)) {
        return false;
    }
    size_t taken = end != NULL ? (size_t)(end - start) : left;
    lines->at += end != NULL ? taken + 1 : taken;
    bool rest = lines->passing;
    lines->passing = end == NULL && !lines->input_ended;
    if (end != NULL && taken > 0 && start[taken - 1] == '\r') {
        taken--;
    }
    *bytes = start;
    *length = rest ? 0 : taken > lines->line_bytes_max ? lines->line_bytes_max + 1 : taken;
    if (!rest) {
        lines->number++;
        lines->offset++;
    }
    return true;
}

enum hec_status hec_lines_read(struct hec_lines *lines, struct hec_line *line, size_t max,
                               size_t *count, struct hec_error *error)
{
    assert(max > 0);

    size_t found = 0;
    while (found == 0) {
        if (lines->input == NULL || (lines->input_ended && lines->at == lines->have)) {
            enum hec_status status = next_file(lines, error);
            if (status != HEC_OK) {
                return status;
            }
        }
        const char *bytes;
        size_t length;
        while (found < max && cut(lines, &bytes, &length)) {
            if (length > 0) {
                line[found++] = (struct hec_line){ .bytes = bytes,
                                                   .length = length,
                                                   .path = lines->path,
                                                   .number = lines->number,
                                                   .offset = lines->offset - 1 };
            }
        }
        if (found == 0 && !lines->input_ended) {
            enum hec_status status = refill(lines, error);
            if (status != HEC_OK) {
                return status;
            }
        }
    }
    *count = found;
    return HEC_OK;
}

double hec_lines_progress(const struct hec_lines *lines)
{
    if (lines->bytes_all == 0) {
        return -1;
    }
    uint64_t here = lines->input == NULL ? 0 : hec_input_position(lines->input);
    return (double)(lines->bytes_done + here) / (double)lines->bytes_all;
}
