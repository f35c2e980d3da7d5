/*
 * A model file from disk: read whole, digested, loaded. The daemon and the command line use it.
 */
#ifndef HECATE_FILE_MODEL_FILE_H
#define HECATE_FILE_MODEL_FILE_H

#include "hecate/digest.h"
#include "hecate/model.h"
#include "hecate/status.h"

#define HEC_MODEL_FILE_BYTES_MAX ((size_t)1 << 30)

/**
 * Loads the model at path.
 *
 * @param ret     receives the model, for hec_model_free
 * @param sha256  receives the digest of the file
 * @param expected_schema_digest  hex; NULL to accept any
 *
 * @return what hec_model_load answers; HEC_NOT_FOUND or HEC_DENIED for the file itself. Sentences
 *         begin with the path.
 */
HEC_CHECKED enum hec_status hec_model_file_load(struct hec_model **ret, char sha256[HEC_SHA256_HEX],
                                                const char *path,
                                                const char *expected_schema_digest,
                                                struct hec_error *error);

#endif
