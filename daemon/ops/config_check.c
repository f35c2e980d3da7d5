/*
 * Settings held against each other: every refusal is a sentence that says what to do.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hecate/digest.h"
#include "kafka/client.h"
#include "ops/config.h"
#include "ops/settings.h"
#include "store/store.h"

/* "hecate.conf:12: " or "" for a setting that stands at its default. */
static const char *place(const struct hec_config *config, const char *section, const char *name,
                         char text[300])
{
    const struct hec_setting *setting = hec_setting_named(section, name);
    const struct hec_config_origin *origin = hec_setting_origin(config, setting, 0);
    text[0] = '\0';
    if (origin->file != NULL && origin->line == 0) {
        snprintf(text, 300, "%s ", origin->file); /* a flag has no lines */
    } else if (origin->file != NULL) {
        snprintf(text, 300, "%s: ", HEC_PLACE(origin->file, origin->line));
    }
    return text;
}

static bool is_plain(const char *text, size_t length_max)
{
    size_t good = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return good == strlen(text) && good >= 1 && good <= length_max;
}

static void check_required(const struct hec_config *config, struct hec_problems *problems)
{
    if (hec_properties_find(&config->kafka, "bootstrap.servers") == NULL) {
        hec_problems_add(problems, HEC_INVALID,
                         "kafka: bootstrap.servers is not set: name at least one broker, such as "
                         "kafka { bootstrap.servers = \"kafka-1:9092\" }");
    }
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        char value[HEC_CONFIG_TEXT_MAX * 2 + 3];
        if (!s->required) {
            continue;
        }
        hec_setting_print(s, config, 0, value, sizeof(value));
        if (strcmp(value, "\"\"") == 0) {
            hec_problems_add(problems, HEC_INVALID, "%s: %s is not set. %s", s->section, s->name,
                             s->help);
        }
    }
}

static void check_topics(const struct hec_config *config, struct hec_problems *problems)
{
    const struct {
        const char *section, *name, *value;
    } topics[] = {
        { "input", "topic", config->input.topic },
        { "output", "alert_topic", config->output.alert_topic },
        { "output", "score_topic", config->output.score_topic },
        { "output", "shadow_topic", config->output.shadow_topic },
        { "output", "dead_letter_topic", config->output.dead_letter_topic },
        { "alerts", "lists_topic", config->alerts.lists_topic },
    };
    char where[300];
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        const char *value = topics[i].value;
        if (value[0] == '\0') {
            continue;
        }
        if (!is_plain(value, 249) || strcmp(value, ".") == 0 || strcmp(value, "..") == 0) {
            hec_problems_add(problems, HEC_INVALID,
                             "%s%s: \"%s\" is no topic name: letters, digits, '.', '_' and '-', at "
                             "most 249",
                             place(config, topics[i].section, topics[i].name, where),
                             topics[i].name, value);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(value, topics[j].value) == 0) {
                hec_problems_add(problems, HEC_INVALID, "%s%s is the same topic as %s (\"%s\"): %s",
                                 place(config, topics[i].section, topics[i].name, where),
                                 topics[i].name, j == 0 ? "the input" : topics[j].name, value,
                                 j == 0 ? "hecated would read its own output; give it its own"
                                        : "readers could not tell them apart; give each its own");
            }
        }
    }
}

static void check_names(const struct hec_config *config, struct hec_problems *problems)
{
    char where[300];
    const struct {
        const char *section, *name, *value;
    } names[] = {
        { "hecate", "instance", config->hecate.instance },
        { "hecate", "tenant", config->hecate.tenant },
        { "input", "group", config->input.group },
    };
    for (int i = 0; i < 3; i++) {
        if (!is_plain(names[i].value, 200)) {
            hec_problems_add(problems, HEC_INVALID,
                             "%s%s: \"%s\" must be 1 .. 200 letters, digits, '.', '_' and '-'",
                             place(config, names[i].section, names[i].name, where), names[i].name,
                             names[i].value);
        }
    }
    const char *prefix = config->state.key_prefix;
    if (prefix[0] == '\0' || strpbrk(prefix, "{}* \t?[]") != NULL) {
        hec_problems_add(
            problems, HEC_INVALID,
            "%skey_prefix: \"%s\" must not be empty nor hold blanks, braces, brackets, "
            "'*' or '?'",
            place(config, "state", "key_prefix", where), prefix);
    }
}

/* A key that is easily guessed hides nothing. The key itself is not shown. */
static void check_key(const struct hec_config *config, const char *section, const char *name,
                      const char *key, struct hec_problems *problems)
{
    char where[300];
    if (strlen(key) < HEC_TOKEN_KEY_BYTES_MIN) {
        hec_problems_add(problems, HEC_INVALID,
                         "%s%s is shorter than %d bytes: make one with `openssl rand -hex 32`",
                         place(config, section, name, where), name, HEC_TOKEN_KEY_BYTES_MIN);
    }
}

static void check_keys(const struct hec_config *config, struct hec_problems *problems)
{
    if (config->state.token_key[0] != '\0') {
        check_key(config, "state", "token_key", config->state.token_key, problems);
    }
    if (config->alerts.control_ratio > 0) {
        check_key(config, "alerts", "control_key", config->alerts.control_key, problems);
    }
}

/* librdkafka's own names and values, as far as it can tell without a connection. */
static void check_properties(const struct hec_config *config, struct hec_problems *problems)
{
    static const char *const SECTIONS[] = { "kafka", "kafka_consumer", "kafka_producer" };
    for (int s = 0; s < 3; s++) {
        const struct hec_properties *properties = hec_config_properties(config, SECTIONS[s]);
        for (int i = 0; i < properties->count; i++) {
            const struct hec_property *row = &properties->rows[i];
            struct hec_error error = { 0 };
            bool resolved = row->reference == NULL || !config->keep_references;
            if (resolved &&
                hec_kafka_property_check(&(struct hec_kafka_property){ row->name, row->value },
                                         row->secret, &error) != HEC_OK) {
                hec_problems_add(problems, HEC_INVALID, "%s: %s", HEC_PLACE(row->file, row->line),
                                 error.text);
            }
        }
    }
}

static void check_heads(const struct hec_config *config, struct hec_problems *problems)
{
    int off = 0;
    for (int head = 0; head < HEC_CONFIG_HEADS; head++) {
        const char *name = hec_config_head_name(head);
        int64_t alert = config->heads[head].alert_score;
        int64_t hold = config->heads[head].hold_score;
        int64_t block = config->heads[head].block_score;
        off += config->heads[head].mode == HEC_HEAD_OFF;
        if (block != 0 && block < alert) {
            hec_problems_add(
                problems, HEC_INVALID,
                "head %s: block_score %lld is below alert_score %lld: nothing would be "
                "blocked with an alert; raise it",
                name, (long long)block, (long long)alert);
        }
        if (hold != 0 && hold < alert) {
            hec_problems_add(problems, HEC_INVALID,
                             "head %s: hold_score %lld is below alert_score %lld; raise it", name,
                             (long long)hold, (long long)alert);
        }
        if (hold != 0 && block != 0 && hold > block) {
            hec_problems_add(problems, HEC_INVALID,
                             "head %s: hold_score %lld is above block_score %lld: it would never "
                             "apply; lower it",
                             name, (long long)hold, (long long)block);
        }
    }
    if (off == HEC_CONFIG_HEADS) {
        hec_problems_add(
            problems, HEC_INVALID,
            "every head is off: there would never be an alert; set mode = on or shadow "
            "in one");
    }
}

bool hec_listen_parse(struct hec_listen *listen, const char *text)
{
    *listen = (struct hec_listen){ 0 };
    if (text[0] == '\0') {
        return true;
    }
    if (strncmp(text, "unix:", 5) == 0) {
        listen->kind = HEC_LISTEN_UNIX;
        listen->loopback = true;
        bool fits = text[5] == '/' && strlen(text + 5) < sizeof(listen->host);
        snprintf(listen->host, sizeof(listen->host), "%s", text + 5);
        return fits;
    }
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || !isdigit((unsigned char)colon[1])) {
        return false;
    }
    char *end;
    errno = 0;
    long port = strtol(colon + 1, &end, 10);
    if (errno != 0 || *end != '\0' || port > 65535) {
        return false;
    }
    const char *host = text;
    size_t length = (size_t)(colon - text);
    if (host[0] == '[') {
        if (length < 3 || host[length - 1] != ']') {
            return false;
        }
        host++;
        length -= 2;
    } else if (memchr(host, ':', length) != NULL) {
        return false;
    }
    if (length >= sizeof(listen->host)) {
        return false;
    }
    memcpy(listen->host, host, length);
    listen->kind = HEC_LISTEN_INET;
    listen->port = (int)port;
    listen->loopback = strcmp(listen->host, "localhost") == 0 || strcmp(listen->host, "::1") == 0 ||
                       strncmp(listen->host, "127.", 4) == 0;
    return true;
}

static void check_listen(const struct hec_config *config, struct hec_problems *problems)
{
    char where[300];
    struct hec_listen listen;
    const char *text = config->admin.listen;
    if (!hec_listen_parse(&listen, text)) {
        hec_problems_add(problems, HEC_INVALID,
                         "%slisten: \"%s\" is no address: write 127.0.0.1:9677, [::1]:9677 or "
                         "unix:/run/hecate/admin.sock",
                         place(config, "admin", "listen", where), text);
    } else if (listen.kind == HEC_LISTEN_INET && !listen.loopback &&
               config->admin.tokens_file[0] == '\0') {
        hec_problems_add(problems, HEC_INVALID,
                         "%slisten: \"%s\" is not a loopback address, and there is no access "
                         "control: set admin.tokens_file, or listen on 127.0.0.1",
                         place(config, "admin", "listen", where), text);
    }
}

static void check_address(const struct hec_config *config, const char *text,
                          struct hec_problems *problems)
{
    char where[300];
    struct hec_listen listen;
    bool good = (strncmp(text, "unix:", 5) == 0 && hec_listen_parse(&listen, text)) ||
                (strncmp(text, "tcp:", 4) == 0 && hec_listen_parse(&listen, text + 4) &&
                 listen.kind == HEC_LISTEN_INET && listen.port > 0);
    if (!good) {
        hec_problems_add(problems, HEC_INVALID,
                         "%sredis_address: \"%s\" is no address: write tcp:host:port or "
                         "unix:/path",
                         place(config, "state", "redis_address", where), text);
    } else if (strncmp(text, "tcp:", 4) == 0 && !listen.loopback && !config->state.redis_tls &&
               !config->state.allow_remote_plain) {
        hec_problems_add(problems, HEC_INVALID,
                         "%sredis_address: \"%s\" is another host and the connection has no TLS: "
                         "set redis_tls = true, use a tunnel (stunnel) on this one, or set "
                         "allow_remote_plain = true",
                         place(config, "state", "redis_address", where), text);
    }
}

static void check_addresses(const struct hec_config *config, struct hec_problems *problems)
{
    char text[HEC_CONFIG_TEXT_MAX];
    const char *from = config->state.redis_address;
    if (strcmp(from, "memory:") == 0) {
        return;
    }
    for (bool more = true; more;) {
        size_t length = strcspn(from, ",");
        snprintf(text, sizeof(text), "%.*s", (int)length, from);
        check_address(config, text, problems);
        more = from[length] == ',';
        from += length + more;
    }
}

/* How Redis is found, and how one is known there. */
static void check_redis(const struct hec_config *config, struct hec_problems *problems)
{
    char where[300];
    const char *why_not;
    check_addresses(config, problems);
    if (config->state.redis_username[0] != '\0' && config->state.redis_password[0] == '\0') {
        hec_problems_add(problems, HEC_INVALID, "%sredis_username is set without redis_password",
                         place(config, "state", "redis_username", where));
    }
    if (config->state.redis_mode == HEC_REDIS_SENTINEL &&
        config->state.redis_master_name[0] == '\0') {
        hec_problems_add(problems, HEC_INVALID,
                         "%sredis_mode: Sentinels are asked for a master by its name: set "
                         "redis_master_name",
                         place(config, "state", "redis_mode", where));
    }
    if (config->state.redis_mode == HEC_REDIS_CLUSTER && config->state.redis_database != 0) {
        hec_problems_add(problems, HEC_INVALID,
                         "%sredis_database: a Redis Cluster has only number 0",
                         place(config, "state", "redis_database", where));
    }
    if (config->state.redis_tls && !hec_store_has_tls(&why_not)) {
        hec_problems_add(problems, HEC_INVALID, "%sredis_tls: %s",
                         place(config, "state", "redis_tls", where), why_not);
    }
    if ((config->state.redis_tls_certificate_file[0] == '\0') !=
        (config->state.redis_tls_key_file[0] == '\0')) {
        hec_problems_add(problems, HEC_INVALID,
                         "%sredis_tls_certificate_file and redis_tls_key_file go together",
                         place(config, "state", "redis_tls_certificate_file", where));
    }
}

enum hec_status hec_config_check(const struct hec_config *config, struct hec_problems *problems)
{
    int before = problems->count + problems->dropped;
    check_required(config, problems);
    check_topics(config, problems);
    check_names(config, problems);
    check_keys(config, problems);
    check_properties(config, problems);
    check_heads(config, problems);
    check_listen(config, problems);
    check_redis(config, problems);
    char where[300];
    if (config->output.score_features != 0 && config->output.score_topic[0] == '\0') {
        hec_problems_add(problems, HEC_INVALID,
                         "%sscore_features = true needs a score_topic: the rows stand in score "
                         "records",
                         place(config, "output", "score_features", where));
    }
    bool shadow_told = config->output.shadow_topic[0] != '\0';
    if (shadow_told && config->output.score_topic[0] == '\0') {
        hec_problems_add(problems, HEC_INVALID,
                         "%sshadow_topic needs a score_topic, which its scores are compared with",
                         place(config, "output", "shadow_topic", where));
    }
    if (config->model.shadow_file[0] != '\0' && !shadow_told) {
        hec_problems_add(problems, HEC_INVALID,
                         "%sshadow_file needs an output.shadow_topic, or nobody would hear of it",
                         place(config, "model", "shadow_file", where));
    }
    if (config->features.schema_file[0] == '\0') {
        hec_problems_add(problems, HEC_INVALID, "features: schema_file must not be empty");
    }
    if (config->model.file[0] == '\0') {
        hec_problems_add(problems, HEC_INVALID, "model: file must not be empty");
    }
    bool good = problems->count + problems->dropped == before;
    return good ? HEC_OK : hec_problems_status(problems);
}

static void check_file(const char *section, const char *name, const char *path, const char *advice,
                       struct hec_problems *problems)
{
    if (access(path, R_OK) != 0) {
        hec_problems_add(problems, errno == ENOENT ? HEC_NOT_FOUND : HEC_DENIED,
                         "%s: %s: cannot read %s: %s; %s", section, name, path, strerror(errno),
                         advice);
    }
}

enum hec_status hec_config_check_files(const struct hec_config *config,
                                       struct hec_problems *problems)
{
    int before = problems->count + problems->dropped;
    check_file("features", "schema_file", config->features.schema_file,
               "a copy of features.conf comes with the package", problems);
    check_file("model", "file", config->model.file, "make one with hecate train", problems);
    if (config->model.shadow_file[0] != '\0') {
        check_file("model", "shadow_file", config->model.shadow_file, "make one with hecate train",
                   problems);
    }
    bool good = problems->count + problems->dropped == before;
    return good ? HEC_OK : hec_problems_status(problems);
}

/* A literal secret in a file that others than its owner and group may read. */
static void warn_of_secret(const char *what, const char *file, int line, const char *reference,
                           struct hec_problems *warnings)
{
    struct stat status;
    if (reference == NULL && file != NULL && line > 0 && stat(file, &status) == 0 &&
        (status.st_mode & S_IROTH) != 0) {
        hec_problems_add(warnings, HEC_INVALID,
                         "%s: %s stands in a file that everybody may read: chmod o-r %s, or "
                         "better write ${credential:ID}",
                         HEC_PLACE(file, line), what, file);
    }
}

void hec_config_warn(const struct hec_config *config, struct hec_problems *warnings)
{
    static const char *const SECTIONS[] = { "kafka", "kafka_consumer", "kafka_producer" };
    char where[300];
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        const struct hec_config_origin *origin = hec_setting_origin(config, s, 0);
        if (s->secret) {
            warn_of_secret(s->name, origin->file, origin->line, origin->reference, warnings);
        }
    }
    for (int s = 0; s < 3; s++) {
        const struct hec_properties *properties = hec_config_properties(config, SECTIONS[s]);
        for (int i = 0; i < properties->count; i++) {
            const struct hec_property *row = &properties->rows[i];
            if (row->secret) {
                warn_of_secret(row->name, row->file, row->line, row->reference, warnings);
            }
        }
    }
    if (strcmp(config->state.redis_address, "memory:") == 0) {
        hec_problems_add(warnings, HEC_INVALID,
                         "%sredis_address: memory: forgets all state at the end; every start "
                         "rebuilds it from Kafka",
                         place(config, "state", "redis_address", where));
    }
    if (config->admin.listen[0] == '\0') {
        hec_problems_add(warnings, HEC_INVALID,
                         "%slisten: without an address there are no probes and no metrics",
                         place(config, "admin", "listen", where));
    }
}
