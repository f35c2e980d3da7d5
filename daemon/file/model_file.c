#include "file/model_file.h"

#include <stdlib.h>

#include "file/walk.h"

enum hec_status hec_model_file_load(struct hec_model **ret, char sha256[HEC_SHA256_HEX],
                                    const char *path, const char *expected_schema_digest,
                                    struct hec_error *error)
{
    void *bytes = NULL;
    size_t size = 0;
    enum hec_status status = hec_file_read(&bytes, &size, path, HEC_MODEL_FILE_BYTES_MAX, error);
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
