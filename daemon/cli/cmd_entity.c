/* hecate entity: what is remembered of one customer, card or the like, and how it is forgotten. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yyjson.h>

#include "cli/commands.h"
#include "cli/conf.h"
#include "cli/entity_look.h"
#include "file/when.h"
#include "kafka/admin.h"
#include "kafka/feed.h"
#include "ops/clock.h"

#define SURVEY_MS 10000
#define SEND_MS 10000

struct entity {
    enum hec_kind kind;
    const char *token;
};

/* "card:c_7"; tells what is wrong with it. */
static bool parse(const struct hec_arguments *arguments, const char *text, struct entity *entity)
{
    const char *colon = strchr(text, ':');
    entity->kind = colon == NULL ? HEC_KINDS : hec_kind_named(text, (size_t)(colon - text));
    if (entity->kind == HEC_KINDS) {
        char kinds[200] = "";
        for (int k = 0; k < HEC_KINDS; k++) {
            size_t used = strlen(kinds);
            snprintf(kinds + used, sizeof(kinds) - used, "%s%s", k == 0 ? "" : ", ",
                     hec_kind_info((enum hec_kind)k)->name);
        }
        hec_cli_misused(arguments, "\"%.80s\" is no KIND:TOKEN; kinds are %s", text, kinds);
        return false;
    }
    entity->token = colon + 1;
    size_t length = strlen(entity->token);
    if (length == 0 || length > HEC_TOKEN_BYTES_MAX) {
        hec_cli_misused(arguments, "a token has 1 to %d bytes", HEC_TOKEN_BYTES_MAX);
        return false;
    }
    if (hec_looks_like_card_number(entity->token, length)) {
        hec_cli_misused(arguments, "this looks like a card number; entities are known by tokens");
        return false;
    }
    return true;
}

static const char *when(int64_t ms, char text[HEC_WHEN_BYTES])
{
    if (ms == 0) {
        return "never";
    }
    hec_when_print(text, ms);
    return text;
}

/* The columns that tell about this kind of entity. */
static const struct hec_feature *own_feature(const struct hec_look *look, int column)
{
    const struct hec_schema *schema = hec_plan_schema(look->plan);
    const struct hec_feature *feature =
        &schema->features[hec_plan_numeric_feature(look->plan, column)];
    return feature->aggregate != HEC_AGG_VALUE && feature->entity == look->kind ? feature : NULL;
}

static void print_shards(const struct hec_look *look)
{
    char first[HEC_WHEN_BYTES], newest[HEC_WHEN_BYTES];
    struct hec_entity_facts facts;
    printf("%9s %10s %12s %10s  %-25s %-25s\n", "partition", "bytes", "last offset", "stored to",
           "first event", "newest event");
    for (int32_t p = 0; p < look->partitions; p++) {
        if (hec_entity_facts(look->shards[p], &facts)) {
            printf("%9d %10u %12" PRId64 " %10" PRId64 "  %-25s %-25s\n", (int)p, facts.bytes,
                   facts.last_off, look->watermarks[p].offset, when(facts.first_ms, first),
                   when(facts.newest_ms, newest));
        }
    }
}

static void print_recent(const struct hec_look *look)
{
    uint32_t event_s[HEC_ENTITY_RECENT_MAX];
    char text[HEC_WHEN_BYTES];
    for (int32_t p = 0; p < look->partitions; p++) {
        int count = hec_entity_recent(look->plan, look->shards[p], event_s);
        for (int i = count - 1; i >= 0; i--) {
            printf("%s%s", i == count - 1 ? "\nlast events, the newest first\n  " : ", ",
                   when((int64_t)event_s[i] * 1000, text));
        }
        printf("%s", count > 0 ? "\n" : "");
    }
}

static void print_features(const struct hec_look *look, const struct hec_model *model,
                           const float *numerics)
{
    printf("\n%-34s %14s %14s  %s\n", "feature", "now", "usual", "text");
    for (int c = 0; c < hec_plan_numerics(look->plan); c++) {
        const struct hec_feature *feature = own_feature(look, c);
        if (feature == NULL) {
            continue;
        }
        char now[32] = "missing", usual[32] = "missing";
        if (!isnan(numerics[c])) {
            snprintf(now, sizeof(now), "%.6g", (double)numerics[c]);
        }
        if (isfinite(hec_model_usual(model, c))) {
            snprintf(usual, sizeof(usual), "%.6g", (double)hec_model_usual(model, c));
        }
        printf("%-34s %14s %14s  %s\n", feature->name, now, usual, feature->text);
    }
}

static void add_number(yyjson_mut_doc *doc, yyjson_mut_val *to, const char *key, float value)
{
    yyjson_mut_obj_add_val(
        doc, to, key, isfinite(value) ? yyjson_mut_real(doc, (double)value) : yyjson_mut_null(doc));
}

static void print_json(const struct hec_look *look, const struct hec_model *model, int64_t at_ms,
                       const float *numerics)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "kind", hec_kind_info(look->kind)->name);
    yyjson_mut_obj_add_str(doc, root, "token", look->token);
    yyjson_mut_obj_add_int(doc, root, "at_ms", at_ms);
    yyjson_mut_val *shards = yyjson_mut_obj_add_arr(doc, root, "shards");
    yyjson_mut_val *recent = yyjson_mut_obj_add_arr(doc, root, "recent_event_s");
    for (int32_t p = 0; p < look->partitions; p++) {
        struct hec_entity_facts facts;
        uint32_t event_s[HEC_ENTITY_RECENT_MAX];
        if (hec_entity_facts(look->shards[p], &facts)) {
            yyjson_mut_val *shard = yyjson_mut_arr_add_obj(doc, shards);
            yyjson_mut_obj_add_int(doc, shard, "partition", p);
            yyjson_mut_obj_add_uint(doc, shard, "bytes", facts.bytes);
            yyjson_mut_obj_add_int(doc, shard, "last_offset", facts.last_off);
            yyjson_mut_obj_add_int(doc, shard, "stored_to", look->watermarks[p].offset);
            yyjson_mut_obj_add_int(doc, shard, "first_ms", facts.first_ms);
            yyjson_mut_obj_add_int(doc, shard, "newest_ms", facts.newest_ms);
        }
        int count = hec_entity_recent(look->plan, look->shards[p], event_s);
        for (int i = 0; i < count; i++) {
            yyjson_mut_arr_add_uint(doc, recent, event_s[i]);
        }
    }
    yyjson_mut_val *features = yyjson_mut_obj_add_obj(doc, root, "features");
    for (int c = 0; c < hec_plan_numerics(look->plan); c++) {
        const struct hec_feature *feature = own_feature(look, c);
        if (feature != NULL) {
            yyjson_mut_val *one = yyjson_mut_obj_add_obj(doc, features, feature->name);
            add_number(doc, one, "now", numerics[c]);
            add_number(doc, one, "usual", hec_model_usual(model, c));
        }
    }
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY, NULL);
    puts(text == NULL ? "" : text);
    free(text);
    yyjson_mut_doc_free(doc);
}

static enum hec_status show_found(const struct hec_arguments *arguments, struct hec_look *look,
                                  const struct hec_model *model, struct hec_error *error)
{
    char text[HEC_WHEN_BYTES];
    int64_t newest_ms = hec_look_newest_ms(look);
    int64_t at_ms = hec_integer_or(arguments, "at", newest_ms);
    float *numerics = calloc((size_t)hec_plan_numerics(look->plan) + 1, sizeof(float));
    enum hec_status status = numerics == NULL ? hec_fail(error, HEC_NO_MEMORY, "no memory")
                                              : hec_look_read(look, at_ms, numerics, error);
    if (status == HEC_OK && hec_given(arguments, "json")) {
        print_json(look, model, at_ms, numerics);
    } else if (status == HEC_OK) {
        printf("%s:%s as of %s%s, from the last checkpoint\n\n", hec_kind_info(look->kind)->name,
               look->token, when(at_ms, text),
               hec_given(arguments, "at") ? "" : " (its newest event; --at for another time)");
        print_shards(look);
        print_recent(look);
        print_features(look, model, numerics);
    }
    free(numerics);
    return status;
}

static int show(const struct hec_arguments *arguments, struct hec_config *config,
                const struct entity *entity)
{
    struct hec_parts parts;
    struct hec_error error = { 0 };
    struct hec_look look = { 0 };
    enum hec_status status = hec_parts_read(&parts, config, &error);
    if (status == HEC_OK) {
        status = hec_look_at(&look, &parts, entity->kind, entity->token, &error);
    }
    bool seen = false;
    for (int32_t p = 0; status == HEC_OK && p < look.partitions; p++) {
        struct hec_entity_facts facts;
        seen |= hec_entity_facts(look.shards[p], &facts);
    }
    if (status == HEC_OK && !seen) {
        status = hec_fail(&error, HEC_NOT_FOUND,
                          "nothing is stored of %s:%s: it was never seen, was forgotten, or is not "
                          "in a checkpoint yet",
                          hec_kind_info(entity->kind)->name, entity->token);
    }
    status = status == HEC_OK ? show_found(arguments, &look, parts.model, &error) : status;
    hec_look_end(&look);
    hec_parts_free(&parts);
    return status == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
}

/* An event that every partition gets: each forgets its own record. */
static enum hec_status send(struct hec_feed *feed, const char *topic, int32_t partitions,
                            const struct entity *entity, struct hec_error *error)
{
    char id[80];
    static const char LETTERS[] = "abcdefghijklmnop";
    uint64_t stamp = (uint64_t)hec_wall_ms() * 1000003u + (uint64_t)entity->kind;
    int used = snprintf(id, sizeof(id), "forget-");
    for (int i = 0; i < 16; i++) { /* letters alone: digits could pass for a card number */
        id[used++] = LETTERS[stamp >> (4 * i) & 15];
    }
    id[used] = '\0';
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "event_id", id);
    yyjson_mut_obj_add_str(doc, root, "event_type", "forget");
    yyjson_mut_obj_add_int(doc, root, "schema_version", 1);
    yyjson_mut_obj_add_int(doc, root, "event_time_ms", hec_wall_ms());
    yyjson_mut_obj_add_str(doc, root, "kind", hec_kind_info(entity->kind)->name);
    yyjson_mut_obj_add_str(doc, root, "token", entity->token);
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
    enum hec_status status = text == NULL ? hec_fail(error, HEC_NO_MEMORY, "no memory") : HEC_OK;
    for (int32_t p = 0; p < partitions && status == HEC_OK; p++) {
        status = hec_feed_send(feed, topic, p, entity->token, strlen(entity->token), text,
                               strlen(text), 0, error);
    }
    free(text);
    yyjson_mut_doc_free(doc);
    return status;
}

static bool confirmed(const struct hec_arguments *arguments)
{
    char answer[8] = "";
    if (hec_given(arguments, "yes")) {
        return true;
    }
    if (isatty(STDIN_FILENO)) {
        fprintf(stderr, "This cannot be taken back. Type yes to go on: ");
        return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
    }
    return false;
}

static enum hec_status send_all(const struct hec_config *config, const struct entity *entities,
                                size_t count, int32_t *partitions, struct hec_error *error)
{
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
    struct hec_kafka_options options;
    struct hec_topic topic = { .name = config->input.topic };
    struct hec_feed *feed = NULL;
    hec_parts_kafka(config, HEC_KAFKA_PRODUCER, list, &options);
    enum hec_status status = hec_kafka_survey(&options, NULL, &topic, 1, SURVEY_MS, error);
    *partitions = topic.partitions;
    status = status == HEC_OK ? hec_feed_new(&feed, &options, error) : status;
    for (size_t i = 0; i < count && status == HEC_OK; i++) {
        status = send(feed, config->input.topic, *partitions, &entities[i], error);
    }
    status = status == HEC_OK ? hec_feed_flush(feed, SEND_MS, error) : status;
    hec_feed_close(feed, 0);
    return status;
}

static int forget(const struct hec_arguments *arguments, const struct hec_config *config,
                  const struct entity *first)
{
    size_t also_count;
    const char *const *also = hec_texts_of(arguments, "also", &also_count);
    struct entity *entities = calloc(also_count + 1, sizeof(*entities));
    struct hec_error error = { 0 };
    int32_t partitions = 0;
    if (entities == NULL) {
        return HEC_EXIT_FAILURE;
    }
    entities[0] = *first;
    for (size_t i = 0; i < also_count; i++) {
        if (!parse(arguments, also[i], &entities[i + 1])) {
            free(entities);
            return HEC_EXIT_USAGE;
        }
    }
    int status = HEC_EXIT_OK;
    if (!confirmed(arguments)) {
        fprintf(stderr, "hecate entity: nothing was sent; --yes confirms\n");
        status = HEC_EXIT_FAILURE;
    } else if (send_all(config, entities, also_count + 1, &partitions, &error) != HEC_OK) {
        status = hec_cli_fail(arguments, &error);
    } else {
        printf("%zu forget event%s on each of %d partitions of %s: gone from memory when they are "
               "read, from Redis with the next checkpoint\n",
               also_count + 1, also_count == 0 ? "" : "s", (int)partitions, config->input.topic);
    }
    free(entities);
    return status;
}

static int run(const struct hec_arguments *arguments)
{
    const char *verb = arguments->positionals[0];
    bool shows = strcmp(verb, "show") == 0;
    struct entity entity;
    struct hec_config *config = NULL;
    if (!shows && strcmp(verb, "forget") != 0) {
        return hec_cli_misused(arguments, "\"%.60s\" is not something to do; show and forget are",
                               verb);
    }
    if (!parse(arguments, arguments->positionals[1], &entity)) {
        return HEC_EXIT_USAGE;
    }
    int status = hec_cli_config(arguments, &config);
    if (status == HEC_EXIT_OK) {
        status = shows ? show(arguments, config, &entity) : forget(arguments, config, &entity);
    }
    hec_config_free(config);
    return status;
}

const struct hec_command hec_cmd_entity = {
    .name = "entity",
    .line = "shows what is remembered of one customer, card or the like, or has it forgotten",
    .positionals = "show|forget KIND:TOKEN",
    .positionals_min = 2,
    .positionals_max = 2,
    .examples = { "hecate entity show card:c_81f2",
                  "hecate entity forget user:u_17 --also card:c_81f2 card:c_90aa --yes" },
    .text = "show reads Redis: the entity's record in every partition, a user's last events, and\n"
            "its features with their usual values (the model's median). forget puts an event on\n"
            "every partition of the input topic; what is forgotten stays forgotten when state is\n"
            "built anew. A user's cards are entities of their own: name them with --also.",
    .run = run,
    .flags = {
        { "config", "FILE", "the daemon's settings (default: " HEC_CONFIG_PATH ")",
          HEC_FLAG_TEXT },
        { "set", "SECTION.KEY=VALUE", "over what the file says", HEC_FLAG_TEXT, .many = true },
        { "at", "T", "to show: features as of then (default: the newest event)", HEC_FLAG_TIME },
        { "json", NULL, "to show: JSON", HEC_FLAG_SWITCH },
        { "also", "KIND:TOKEN", "to forget: more of them", HEC_FLAG_TEXT, .many = true },
        { "yes", NULL, "to forget: without asking", HEC_FLAG_SWITCH },
    },
};
