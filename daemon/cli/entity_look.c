#include "cli/entity_look.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum hec_status no_memory(struct hec_error *error)
{
    return hec_fail(error, HEC_NO_MEMORY, "no memory to look at an entity");
}

/* The number of partitions stands in every watermark; which partitions have one is not known yet.
 */
static enum hec_status find_partitions(struct hec_look *look, const struct hec_config *config,
                                       struct hec_error *error)
{
    struct hec_watermark found;
    for (int32_t p = 0; p < HEC_PARTITIONS_MAX; p++) {
        enum hec_status status = hec_store_watermark_read(look->store, p, &found, error);
        if (status == HEC_OK) {
            look->partitions = found.partitions;
            return HEC_OK;
        }
        if (status != HEC_NOT_FOUND) {
            return status;
        }
    }
    return hec_fail(error, HEC_NOT_FOUND,
                    "%s holds no state under %s:wm: nothing was stored yet, or state.redis_address "
                    "or state.key_prefix is another one",
                    config->state.redis_address, config->state.key_prefix);
}

static enum hec_status read_watermarks(struct hec_look *look, struct hec_error *error)
{
    for (int32_t p = 0; p < look->partitions; p++) {
        enum hec_status status =
            hec_store_watermark_read(look->store, p, &look->watermarks[p], error);
        if (status != HEC_OK && status != HEC_NOT_FOUND) {
            return status;
        }
        look->stored[p] = status == HEC_OK;
        look->generations[p] = look->watermarks[p].generation;
        if (look->stored[p] &&
            look->watermarks[p].state_digest != hec_plan_state_digest(look->plan)) {
            return hec_fail(error, HEC_MISMATCH,
                            "partition %d holds the state of other features or of another "
                            "state.token_key: use the settings of the daemon that wrote it",
                            (int)p);
        }
    }
    return HEC_OK;
}

static enum hec_status make_table(struct hec_look *look, const char *token_key,
                                  struct hec_error *error)
{
    size_t count = (size_t)look->partitions;
    look->watermarks = calloc(count, sizeof(*look->watermarks));
    look->stored = calloc(count, sizeof(*look->stored));
    look->generations = calloc(count, sizeof(*look->generations));
    look->owned = calloc(count, sizeof(*look->owned));
    look->shards = calloc(count, sizeof(struct hec_entity *));
    if (look->watermarks == NULL || look->stored == NULL || look->generations == NULL ||
        look->owned == NULL || look->shards == NULL ||
        hec_entities_new(&look->entities, look->plan, SIZE_MAX / 2) != HEC_OK) {
        return no_memory(error);
    }
    if (token_key[0] != '\0') {
        enum hec_status status = hec_keyer_new(&look->keyer, token_key, strlen(token_key));
        if (status != HEC_OK) {
            return hec_fail(error, status, "state.token_key cannot be used");
        }
        hec_entities_set_keyer(look->entities, look->keyer);
    }
    hec_entities_set_partitions(look->entities, look->partitions, look->owned);
    hec_entities_tick(look->entities, 0, INT64_MAX);
    return HEC_OK;
}

static enum hec_status load(struct hec_look *look, struct hec_error *error)
{
    struct hec_text token = hec_text_of(look->token);
    char hex[HEC_KEYED_TOKEN_BYTES];
    struct hec_text name = hec_entities_name(look->entities, &token, hex);
    int missing_count = 0;
    struct hec_entity **missing = calloc((size_t)look->partitions, sizeof(struct hec_entity *));
    enum hec_status status = missing == NULL ? no_memory(error) : HEC_OK;
    for (int32_t p = 0; p < look->partitions && status == HEC_OK; p++) {
        look->shards[p] = hec_entities_want(look->entities, p, look->kind, &name);
        if (look->shards[p] == NULL) {
            status = no_memory(error);
        } else if (look->stored[p]) {
            missing[missing_count++] = look->shards[p];
        } else {
            hec_entities_absent(look->entities, look->shards[p]);
        }
    }
    if (status == HEC_OK && missing_count > 0) {
        status = hec_store_load(look->store, look->entities, missing, missing_count,
                                look->generations, NULL, error);
    }
    free(missing);
    return status;
}

enum hec_status hec_look_at(struct hec_look *look, const struct hec_parts *parts,
                            enum hec_kind kind, const char *token, struct hec_error *error)
{
    struct hec_store_options options = hec_parts_store(parts->config);
    options.allow_evicting = true; /* to look at it is no risk */
    *look = (struct hec_look){ .plan = parts->plan, .kind = kind, .token = token };
    enum hec_status status = hec_store_open(&look->store, &options, error);
    status = status == HEC_OK ? find_partitions(look, parts->config, error) : status;
    status = status == HEC_OK ? make_table(look, parts->config->state.token_key, error) : status;
    status = status == HEC_OK ? read_watermarks(look, error) : status;
    return status == HEC_OK ? load(look, error) : status;
}

void hec_look_end(struct hec_look *look)
{
    hec_store_close(look->store);
    hec_entities_free(look->entities);
    hec_keyer_free(look->keyer);
    free(look->watermarks);
    free(look->stored);
    free(look->generations);
    free(look->owned);
    free(look->shards);
}

int64_t hec_look_newest_ms(const struct hec_look *look)
{
    int64_t newest_ms = 0;
    struct hec_entity_facts facts;
    for (int32_t p = 0; p < look->partitions; p++) {
        if (hec_entity_facts(look->shards[p], &facts) && facts.newest_ms > newest_ms) {
            newest_ms = facts.newest_ms;
        }
    }
    return newest_ms;
}

enum hec_status hec_look_read(struct hec_look *look, int64_t at_ms, float *numerics,
                              struct hec_error *error)
{
    struct hec_event event = { .type = HEC_LOGIN };
    enum hec_field field = hec_kind_info(look->kind)->field;
    event.value[HEC_F_EVENT_TIME_MS].integer = at_ms;
    event.value[field].text = hec_text_of(look->token);
    event.present = (uint64_t)1 << HEC_F_EVENT_TIME_MS | (uint64_t)1 << field;
    /* A record of an owned kind is in one partition. */
    int32_t partition = 0;
    struct hec_entity_facts facts, newest = { 0 };
    for (int32_t p = 0; p < look->partitions; p++) {
        if (hec_entity_facts(look->shards[p], &facts) && facts.newest_ms >= newest.newest_ms) {
            newest = facts;
            partition = p;
        }
    }
    size_t pool_size = (size_t)hec_plan_pool_size(look->plan, look->partitions);
    struct hec_entity **pool = calloc(pool_size, sizeof(struct hec_entity *));
    uint32_t *categories = calloc((size_t)hec_plan_categories(look->plan) + 1, sizeof(uint32_t));
    struct hec_touched touched;
    enum hec_status status =
        pool == NULL || categories == NULL ||
                hec_plan_want(look->plan, look->entities, &event, partition, &touched, pool) < 0
            ? no_memory(error)
            : HEC_OK;
    if (status == HEC_OK) {
        hec_plan_read(look->plan, &event, &touched, numerics, categories);
    }
    free(pool);
    free(categories);
    return status;
}
