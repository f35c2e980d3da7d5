/*
 * Inside of daemon/kafka: what source, sink, admin and feed build their librdkafka clients from.
 *
 * Nothing outside of this folder includes this file, so nothing else sees the library.
 */
#ifndef HECATE_KAFKA_HANDLE_H
#define HECATE_KAFKA_HANDLE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "hecate/status.h"
#include "kafka/client.h"
#include "kafka/source.h"

/* What a client says of itself. The first member of every client struct, and the library's opaque
 * pointer, so that one set of callbacks serves all. */
struct hec_kafka_voice {
    hec_kafka_log *log;
    void *log_context;
    uint64_t errors;      /* told by error_cb */
    uint64_t lost;        /* of these: a connection was lost or a request timed out */
    bool brokers_down;    /* ALL_BROKERS_DOWN was told and nothing was heard since */
    bool denied;          /* an authentication failure was told */
    char last_error[256]; /* the newest one, "" at first */
};

/**
 * Makes a configuration: ours first, then the user's, who may override all but the reserved names.
 *
 * @param reserved  refuse the properties that exactly-once needs itself
 *
 * @return HEC_OK (*ret is then the caller's), HEC_INVALID
 */
HEC_CHECKED enum hec_status
hec_kafka_conf_new(rd_kafka_conf_t **ret, const struct hec_kafka_options *options,
                   const struct hec_kafka_property *ours, size_t ours_count, bool reserved,
                   struct hec_kafka_voice *voice, struct hec_error *error);

/** Makes the client; takes conf over, also on failure. @return HEC_OK, HEC_INVALID */
HEC_CHECKED enum hec_status hec_kafka_client_new(rd_kafka_t **ret, rd_kafka_type_t type,
                                                 rd_kafka_conf_t *conf, struct hec_error *error);

/** Destroys a client on a thread of its own and waits up to wait_ms. False: it hangs and was given
 * up. */
bool hec_kafka_destroy(rd_kafka_t *client, int wait_ms);

/** A copy of headers, the library's once it has taken the record that they go with; NULL: none. */
rd_kafka_headers_t *hec_kafka_headers(const struct hec_kafka_header *list, int count);

/** The status that stands for an error code. Never HEC_OK but for NO_ERROR; HEC_UNAVAILABLE for all
 * that may pass. */
enum hec_status hec_kafka_status(rd_kafka_resp_err_t code);

/** One sentence on a cluster that does not answer, with what the client heard. status is
 * HEC_UNAVAILABLE, or HEC_DENIED when an authentication failure was heard. */
enum hec_status hec_kafka_no_answer(const struct hec_kafka_voice *voice,
                                    const struct hec_kafka_options *options,
                                    struct hec_error *error);

/** bootstrap.servers among the properties; "" when absent. */
const char *hec_kafka_brokers(const struct hec_kafka_options *options);

/** Copies properties and their texts, to be freed with hec_kafka_options_free. */
HEC_CHECKED enum hec_status hec_kafka_options_copy(struct hec_kafka_options *to,
                                                   const struct hec_kafka_options *from);
void hec_kafka_options_free(struct hec_kafka_options *options);

/** Moves an assigned partition to an offset within wait_ms. */
rd_kafka_resp_err_t hec_kafka_seek(rd_kafka_t *client, const char *topic, int32_t partition,
                                   int64_t offset, int wait_ms);

/**
 * The one group that rd_kafka_list_groups was asked for, if what it gave tells all of it. The
 * library asks every broker, and only the group's coordinator knows it: while others are away the
 * code is PARTIAL, and the list is as good as ever or has nothing of the group.
 *
 * @param code  what the library returned; what is wrong with the group on anything but HEC_OK
 *
 * @return HEC_OK, HEC_NOT_FOUND (no such group), HEC_UNAVAILABLE (nobody told), HEC_DENIED
 */
HEC_CHECKED enum hec_status hec_kafka_group_of(const struct rd_kafka_group_info **ret,
                                               const struct rd_kafka_group_list *list,
                                               rd_kafka_resp_err_t *code);

/** CLOCK_MONOTONIC. */
int64_t hec_kafka_now_us(void);

/** Fills a record from a message without error. The message becomes record->owner. */
void hec_record_of(struct hec_record *record, rd_kafka_message_t *message);

/** The consumer behind a source, for the group metadata of a transaction. */
rd_kafka_t *hec_source_client(struct hec_source *source);

/** The source's topic, borrowed. */
const char *hec_source_topic(const struct hec_source *source);

/** Partition list of one topic from offsets; the caller destroys it. */
rd_kafka_topic_partition_list_t *hec_kafka_offsets(const char *topic, const struct hec_offset *rows,
                                                   int count);

#endif
