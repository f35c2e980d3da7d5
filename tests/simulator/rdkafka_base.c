/*
 * The made-up librdkafka: configuration, errors, lists, headers, metadata, life and death of a
 * client. Memory is not given back where that does not matter: a seed is a process of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdkafka.h"

int rd_kafka_version(void)
{
    return 0x020002ff;
}

const char *rd_kafka_version_str(void)
{
    return "simulated";
}

const char *rd_kafka_err2str(rd_kafka_resp_err_t code)
{
    static char text[32];
    snprintf(text, sizeof(text), "error %d", (int)code);
    return text;
}

/* ---- Configuration ---- */

rd_kafka_conf_t *rd_kafka_conf_new(void)
{
    return calloc(1, sizeof(rd_kafka_conf_t));
}

void rd_kafka_conf_destroy(rd_kafka_conf_t *conf)
{
    free(conf);
}

rd_kafka_conf_res_t rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                                      char *text, size_t size)
{
    (void)text;
    (void)size;
    if (strcmp(name, "group.instance.id") == 0) {
        snprintf(conf->group_instance, sizeof(conf->group_instance), "%s", value);
    }
    if (strcmp(name, "transactional.id") == 0) {
        snprintf(conf->transactional_id, sizeof(conf->transactional_id), "%s", value);
    }
    return RD_KAFKA_CONF_OK;
}

void rd_kafka_conf_properties_show(FILE *file)
{
    (void)file;
}

void rd_kafka_conf_set_opaque(rd_kafka_conf_t *conf, void *opaque)
{
    conf->opaque = opaque;
}

void rd_kafka_conf_set_log_cb(rd_kafka_conf_t *conf,
                              void (*callback)(const rd_kafka_t *, int, const char *, const char *))
{
    (void)conf;
    (void)callback;
}

void rd_kafka_conf_set_error_cb(rd_kafka_conf_t *conf,
                                void (*callback)(rd_kafka_t *, int, const char *, void *))
{
    conf->on_error = callback;
}

void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *conf,
                                 void (*callback)(rd_kafka_t *, const rd_kafka_message_t *, void *))
{
    conf->on_delivery = callback;
}

void rd_kafka_conf_set_rebalance_cb(rd_kafka_conf_t *conf,
                                    void (*callback)(rd_kafka_t *, rd_kafka_resp_err_t,
                                                     rd_kafka_topic_partition_list_t *, void *))
{
    conf->on_rebalance = callback;
}

rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *text, size_t size)
{
    (void)text;
    (void)size;
    rd_kafka_t *client = calloc(1, sizeof(*client));
    client->type = type;
    client->conf = *conf;
    client->process = sim.running;
    free(conf);
    if (client->conf.transactional_id[0] != '\0') {
        client->producer = sim_producer_named(client->conf.transactional_id);
    }
    return client;
}

void rd_kafka_destroy_flags(rd_kafka_t *client, int flags)
{
    (void)flags;
    free(client);
}

void *rd_kafka_opaque(const rd_kafka_t *client)
{
    return client->conf.opaque;
}

rd_kafka_resp_err_t rd_kafka_fatal_error(rd_kafka_t *client, char *text, size_t size)
{
    snprintf(text, size, "error %d", (int)client->fatal);
    return client->fatal;
}

/* ---- Errors ---- */

static rd_kafka_error_t *error_new(rd_kafka_resp_err_t code)
{
    rd_kafka_error_t *error = calloc(1, sizeof(*error));
    error->code = code;
    snprintf(error->text, sizeof(error->text), "error %d", (int)code);
    return error;
}

rd_kafka_error_t *sim_error_retriable(rd_kafka_resp_err_t code)
{
    rd_kafka_error_t *error = error_new(code);
    error->retriable = true;
    return error;
}

rd_kafka_error_t *sim_error_abortable(rd_kafka_t *client, rd_kafka_resp_err_t code)
{
    rd_kafka_error_t *error = error_new(code);
    client->must_abort = true;
    error->abortable = true;
    return error;
}

rd_kafka_error_t *sim_error_fatal(rd_kafka_t *client, rd_kafka_resp_err_t code)
{
    rd_kafka_error_t *error = error_new(code);
    client->fatal = code;
    error->fatal = true;
    return error;
}

void rd_kafka_error_destroy(rd_kafka_error_t *error)
{
    free(error);
}

rd_kafka_resp_err_t rd_kafka_error_code(const rd_kafka_error_t *error)
{
    return error->code;
}

const char *rd_kafka_error_name(const rd_kafka_error_t *error)
{
    return error->text;
}

const char *rd_kafka_error_string(const rd_kafka_error_t *error)
{
    return error->text;
}

int rd_kafka_error_is_fatal(const rd_kafka_error_t *error)
{
    return error->fatal;
}

int rd_kafka_error_is_retriable(const rd_kafka_error_t *error)
{
    return error->retriable;
}

int rd_kafka_error_txn_requires_abort(const rd_kafka_error_t *error)
{
    return error->abortable;
}

/* ---- Lists, headers, metadata ---- */

rd_kafka_topic_partition_list_t *rd_kafka_topic_partition_list_new(int size)
{
    rd_kafka_topic_partition_list_t *list = calloc(1, sizeof(*list));
    list->size = size > SIM_PARTITIONS_MAX ? size : SIM_PARTITIONS_MAX;
    list->elems = calloc((size_t)list->size, sizeof(*list->elems));
    return list;
}

rd_kafka_topic_partition_t *rd_kafka_topic_partition_list_add(rd_kafka_topic_partition_list_t *list,
                                                              const char *topic, int32_t partition)
{
    rd_kafka_topic_partition_t *place = &list->elems[list->cnt++];
    if (list->cnt > list->size) {
        abort();
    }
    *place = (rd_kafka_topic_partition_t){ .topic = (char *)topic,
                                           .partition = partition,
                                           .offset = RD_KAFKA_OFFSET_INVALID };
    return place;
}

void rd_kafka_topic_partition_list_destroy(rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        free(list->elems[i].metadata);
    }
    free(list->elems);
    free(list);
}

rd_kafka_headers_t *rd_kafka_headers_new(size_t size)
{
    (void)size;
    return calloc(1, sizeof(rd_kafka_headers_t));
}

void rd_kafka_headers_destroy(rd_kafka_headers_t *headers)
{
    free(headers);
}

rd_kafka_resp_err_t rd_kafka_header_add(rd_kafka_headers_t *headers, const char *name,
                                        ssize_t name_size, const void *value, ssize_t value_size)
{
    (void)name_size;
    int at = headers->count++;
    snprintf(headers->list[at].name, sizeof(headers->list[at].name), "%s", name);
    snprintf(headers->list[at].value, sizeof(headers->list[at].value), "%.*s", (int)value_size,
             value == NULL ? "" : (const char *)value);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

size_t rd_kafka_header_cnt(const rd_kafka_headers_t *headers)
{
    return (size_t)headers->count;
}

rd_kafka_resp_err_t rd_kafka_header_get_all(const rd_kafka_headers_t *headers, size_t index,
                                            const char **name, const void **value, size_t *size)
{
    *name = headers->list[index].name;
    *value = headers->list[index].value;
    *size = strlen(headers->list[index].value);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_header_get_last(const rd_kafka_headers_t *headers, const char *name,
                                             const void **value, size_t *size)
{
    (void)headers;
    (void)name;
    (void)value;
    (void)size;
    return RD_KAFKA_RESP_ERR__NOENT;
}

/* A topic is its name. */
rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *client, const char *topic,
                                     rd_kafka_topic_conf_t *conf)
{
    (void)client;
    (void)conf;
    return (rd_kafka_topic_t *)(void *)strdup(topic);
}

void rd_kafka_topic_destroy(rd_kafka_topic_t *topic)
{
    free((void *)topic);
}

rd_kafka_resp_err_t rd_kafka_metadata(rd_kafka_t *client, int all, rd_kafka_topic_t *only,
                                      const struct rd_kafka_metadata **ret, int timeout_ms)
{
    static struct rd_kafka_metadata_topic topic = { .partition_cnt = 1 };
    static struct rd_kafka_metadata answer = { .broker_cnt = 1, .topic_cnt = 1, .topics = &topic };
    (void)client;
    (void)all;
    (void)only;
    (void)timeout_ms;
    sim_travel();
    *ret = &answer;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void rd_kafka_metadata_destroy(const struct rd_kafka_metadata *metadata)
{
    (void)metadata;
}
