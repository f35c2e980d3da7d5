/*
 * What every Kafka client of the daemon shares: properties passed through, and where log lines go.
 *
 * A property is one of librdkafka's own (its CONFIGURATION.md), name and value as text; nothing is
 * renamed. What exactly-once needs is set by us and refused from outside, by name. What differs
 * between library versions is decided in client.c alone, by asking the library at run time.
 */
#ifndef HECATE_KAFKA_CLIENT_H
#define HECATE_KAFKA_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"

/* One librdkafka property. Both texts are borrowed for the call only. */
struct hec_kafka_property {
    const char *name;
    const char *value;
};

/* One record header: a name and bytes (NULL for a null value). */
struct hec_kafka_header {
    const char *name;
    const void *value;
    size_t length;
};

/* A line of the library, for people. level is syslog's (3 error .. 7 debug). Called from threads
 * of the library: the function must be safe for that. */
typedef void hec_kafka_log(void *context, int level, const char *text);

/* How to reach a cluster. All zero but properties is valid; properties must hold
 * "bootstrap.servers". Copied where a client outlives the call. */
struct hec_kafka_options {
    const struct hec_kafka_property *properties;
    size_t properties_count;
    hec_kafka_log *log; /* NULL: lines are dropped */
    void *log_context;
};

/* A place in one partition: the next offset to process, and the ASCII text kept beside it. */
#define HEC_METADATA_BYTES_MAX 3840 /* brokers take 4096 unless told otherwise */
struct hec_offset {
    int32_t partition;
    int64_t offset; /* -1: none */
    char metadata[HEC_METADATA_BYTES_MAX];
};

/**
 * Whether a client would take this property: known by name, its value well formed, not ours to set.
 * Connects to nothing.
 *
 * @param secret  the sentence does not repeat the value
 * @return HEC_OK, HEC_INVALID; the sentence names the property and, when it is unknown, the nearest
 */
HEC_CHECKED enum hec_status hec_kafka_property_check(const struct hec_kafka_property *property,
                                                     bool secret, struct hec_error *error);

/** The library's version as text, such as "2.0.2". */
const char *hec_kafka_version(void);

#endif
