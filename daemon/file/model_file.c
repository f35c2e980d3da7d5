#include "file/model_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum hec_status cannot(const char *path, const char *what, struct hec_error *error)
{
    enum hec_status status = errno == EACCES   ? HEC_DENIED
                             : errno == ENOMEM ? HEC_NO_MEMORY
                                               : HEC_NOT_FOUND;
    return hec_fail(error, status, "%s: cannot %s: %s", path, what, strerror(errno));
}

static enum hec_status read_all(int fd, const char *path, char **bytes, size_t *size,
                                struct hec_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return cannot(path, "stat", error);
    }
    if (!S_ISREG(about.st_mode) || (size_t)about.st_size > HEC_MODEL_FILE_BYTES_MAX) {
        return hec_fail(error, HEC_INVALID, "%s: not a regular file of at most 1 GiB", path);
    }
    *size = (size_t)about.st_size;
    *bytes = malloc(*size + 1);
    if (*bytes == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "%s: no memory for %zu bytes", path, *size);
    }
    for (size_t have = 0; have < *size;) {
        ssize_t got = read(fd, *bytes + have, *size - have);
        if (got <= 0) {
            return got == 0 ? hec_fail(error, HEC_CORRUPT, "%s: shrank while it was read", path)
                            : cannot(path, "read", error);
        }
        have += (size_t)got;
    }
    return HEC_OK;
}

enum hec_status hec_model_file_load(struct hec_model **ret, char sha256[HEC_SHA256_HEX],
                                    const char *path, const char *expected_schema_digest,
                                    struct hec_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return cannot(path, "open", error);
    }
    char *bytes = NULL;
    size_t size = 0;
    enum hec_status status = read_all(fd, path, &bytes, &size, error);
    close(fd);
    if (status == HEC_OK) {
        struct hec_error why = { 0 };
        status = hec_model_load(ret, bytes, size, expected_schema_digest, &why);
        if (status == HEC_OK) {
            hec_sha256(bytes, size, sha256);
        } else {
            hec_fail(error, status, "%s: %s", path, why.text);
        }
    }
    free(bytes);
    return status;
}
