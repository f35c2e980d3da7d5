/*
 * Inside of the made-up librdkafka: what a client is.
 */
#ifndef HECATE_SIMULATOR_RDKAFKA_H
#define HECATE_SIMULATOR_RDKAFKA_H

#include <librdkafka/rdkafka.h>

#include "sim.h"

struct rd_kafka_conf_s {
    char group_instance[32], transactional_id[32];
    void *opaque;
    void (*on_error)(rd_kafka_t *, int, const char *, void *);
    void (*on_delivery)(rd_kafka_t *, const rd_kafka_message_t *, void *);
    void (*on_rebalance)(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *,
                         void *);
};

enum sim_joined { SIM_OUT, SIM_JOINING, SIM_JOINED };

struct sim_place {
    bool assigned, paused, end_told;
    int64_t next;
};

struct rd_kafka_s {
    rd_kafka_type_t type;
    struct rd_kafka_conf_s conf;
    struct sim_process *process;
    rd_kafka_resp_err_t fatal;

    /* a consumer */
    bool subscribed, closing, closed, lost;
    enum sim_joined joined;
    char member[32];
    int generation;
    struct sim_place places[SIM_PARTITIONS_MAX];

    /* a producer */
    struct sim_producer *producer; /* NULL: not transactional */
    int epoch;
    bool in_transaction, must_abort;
    struct sim_output *queue;
    int queue_count;
    int delivered, failed;
    void *refused[256]; /* opaques of records that the broker refused for what they are */
    int refused_count;
};

struct rd_kafka_error_s {
    rd_kafka_resp_err_t code;
    bool fatal, retriable, abortable;
    char text[96];
};

struct rd_kafka_headers_s {
    int count;
    struct {
        char name[64], value[96];
    } list[64];
};

rd_kafka_error_t *sim_error_retriable(rd_kafka_resp_err_t code);
rd_kafka_error_t *sim_error_abortable(rd_kafka_t *client, rd_kafka_resp_err_t code);
rd_kafka_error_t *sim_error_fatal(rd_kafka_t *client, rd_kafka_resp_err_t code);

#endif
