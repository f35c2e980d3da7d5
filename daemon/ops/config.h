/*
 * The settings of hecate.conf: one table, and everything else is printed from it.
 *
 *   HEC_SETTING_TABLE (settings.c): section, name, type, unit, default, range, reloadable, secret,
 *   help  ->  the parser, struct hec_config, conf/hecate.conf, `hecate config show`, manual pages
 *
 * A file says `section { key = value }`; one `head NAME { ... }` a head. The kafka sections pass
 * librdkafka's own property names through. Whole values may be references: ${env:NAME},
 * ${file:/path}, ${credential:ID} (systemd's); they are resolved after parsing, and what they give
 * is never printed. Files FILE.d/ *.conf are read after FILE, in name order; the later one wins.
 */
#ifndef HECATE_OPS_CONFIG_H
#define HECATE_OPS_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "hecate/status.h"
#include "ops/problems.h"

#define HEC_CONFIG_PATH "/etc/hecate/hecate.conf"
#define HEC_CONFIG_TEXT_MAX 512 /* bytes of a text setting with its end */
#define HEC_CONFIG_HEADS 3

enum hec_late_policy { HEC_LATE_SCORE_ONLY, HEC_LATE_DEAD_LETTER };
enum hec_start_from { HEC_START_EARLIEST, HEC_START_LATEST };
enum hec_delivery { HEC_EXACTLY_ONCE, HEC_AT_LEAST_ONCE };
enum hec_redis_mode { HEC_REDIS_SINGLE, HEC_REDIS_SENTINEL, HEC_REDIS_CLUSTER };
enum hec_on_unavailable { HEC_ON_UNAVAILABLE_DEGRADE, HEC_ON_UNAVAILABLE_STOP };
enum hec_head_mode { HEC_HEAD_OFF, HEC_HEAD_SHADOW, HEC_HEAD_ON }; /* as hec_decide_mode */
enum hec_log_format { HEC_LOG_LOGFMT, HEC_LOG_JSON };

/* One librdkafka property of a pass-through section. */
struct hec_property {
    char *name, *value; /* value with its reference resolved */
    const char *file;   /* where it was set, for a refusal by librdkafka */
    int line;
    bool secret;     /* never print the value */
    char *reference; /* the value as written when it was a reference, else NULL */
};
struct hec_properties {
    struct hec_property *rows;
    int count;
};

/* Every member is one row of the table, under the same name. Texts are terminated; empty means
 * not set. Enums are int so that the table can fill them. */
struct hec_config {
    struct {
        char instance[HEC_CONFIG_TEXT_MAX]; /* never empty after loading: the host name */
        char tenant[HEC_CONFIG_TEXT_MAX];
        int64_t engines; /* 0: one a core less one */
        int64_t drain_timeout_ms;
    } hecate;
    struct {
        char topic[HEC_CONFIG_TEXT_MAX];
        char group[HEC_CONFIG_TEXT_MAX];
        int64_t start_from; /* enum hec_start_from */
        int64_t max_record_bytes;
        int64_t late_policy; /* enum hec_late_policy */
        int64_t max_future_skew_ms;
    } input;
    struct {
        char alert_topic[HEC_CONFIG_TEXT_MAX];
        char score_topic[HEC_CONFIG_TEXT_MAX];
        char shadow_topic[HEC_CONFIG_TEXT_MAX];
        double score_sample_ratio;
        int64_t score_features; /* bool */
        char dead_letter_topic[HEC_CONFIG_TEXT_MAX];
        double dead_letter_ratio_max; /* 0: never */
        int64_t delivery;             /* enum hec_delivery */
        int64_t commit_interval_ms;
        int64_t overlap; /* bool */
        int64_t commit_records_max;
    } output;
    struct {
        char redis_address[HEC_CONFIG_TEXT_MAX]; /* tcp:host:port or unix:/path, with commas */
        int64_t redis_mode;                      /* enum hec_redis_mode */
        char redis_master_name[HEC_CONFIG_TEXT_MAX];
        char redis_sentinel_username[HEC_CONFIG_TEXT_MAX];
        char redis_sentinel_password[HEC_CONFIG_TEXT_MAX];
        int64_t redis_tls; /* bool */
        char redis_tls_ca_file[HEC_CONFIG_TEXT_MAX];
        char redis_tls_certificate_file[HEC_CONFIG_TEXT_MAX];
        char redis_tls_key_file[HEC_CONFIG_TEXT_MAX];
        char redis_tls_server_name[HEC_CONFIG_TEXT_MAX];
        char redis_username[HEC_CONFIG_TEXT_MAX];
        char redis_password[HEC_CONFIG_TEXT_MAX];
        char token_key[HEC_CONFIG_TEXT_MAX];
        int64_t redis_database;
        char key_prefix[HEC_CONFIG_TEXT_MAX];
        int64_t connect_timeout_ms;
        int64_t read_timeout_ms;
        int64_t checkpoint_interval_ms;
        int64_t checkpoint_records_max;
        int64_t cache_mib;
        int64_t shared_refresh_ms;
        int64_t allow_evicting;                 /* bool */
        int64_t allow_remote_plain;             /* bool */
        int64_t on_unavailable;                 /* enum hec_on_unavailable */
        int64_t away_max_s, replay_records_max; /* 0: never */
    } state;
    struct {
        char schema_file[HEC_CONFIG_TEXT_MAX];
    } features;
    struct {
        char file[HEC_CONFIG_TEXT_MAX];
        int64_t max_batch_records;
        int64_t max_batch_wait_us;
        char shadow_file[HEC_CONFIG_TEXT_MAX]; /* "": none watches */
    } model;
    struct {
        int64_t mode;                                   /* enum hec_head_mode */
        int64_t alert_score;                            /* 1 .. 999; 0: the model's own threshold */
        int64_t step_up_score, hold_score, block_score; /* 1 .. 999; 0: never */
        int64_t budget_alerts_per_day;                  /* 0: no budget */
        int64_t exposure_minor;
    } heads[HEC_CONFIG_HEADS]; /* in the order of hec_config_head_name */
    struct {
        int64_t max_reasons;
        int64_t critical_loss_minor; /* 0: no loss makes an alert critical */
        int64_t dedup_window_s;
        char inbox_file[HEC_CONFIG_TEXT_MAX]; /* empty: none */
        int64_t inbox_retention_days;
        char rules_file[HEC_CONFIG_TEXT_MAX];  /* empty: no rules */
        char lists_file[HEC_CONFIG_TEXT_MAX];  /* empty: none */
        char lists_topic[HEC_CONFIG_TEXT_MAX]; /* empty: none */
        double breaker_block_ratio;            /* 0: no breaker */
        int64_t breaker_window_s;
        double control_ratio; /* 0: no control group */
        char control_key[HEC_CONFIG_TEXT_MAX];
    } alerts;
    struct {
        char listen[HEC_CONFIG_TEXT_MAX]; /* 127.0.0.1:9677, [::1]:9677, unix:/path; empty: none */
        char socket[HEC_CONFIG_TEXT_MAX]; /* of the console; empty: none */
        char tokens_file[HEC_CONFIG_TEXT_MAX]; /* empty: the API answers on the socket only */
    } admin;
    struct {
        int64_t level;  /* enum hec_log_level of ops/log.h */
        int64_t format; /* enum hec_log_format */
        int64_t stats_interval_s;
        int64_t rate_limit_per_s;
    } log;
    struct hec_properties kafka, kafka_consumer, kafka_producer;

    /* Set it before loading to leave references as they are written: for looking at a file
     * without the right to read its secrets. */
    bool keep_references;
    struct hec_config_origins *origins; /* where each setting came from; private to this room */
};

/** "card_fraud", "ato", "anomaly": head 0 .. HEC_CONFIG_HEADS-1. */
const char *hec_config_head_name(int head);

/** A config in which every setting stands at its default. NULL when memory is exhausted. */
struct hec_config *hec_config_new(void);
/** Accepts NULL. */
void hec_config_free(struct hec_config *config);

/**
 * Reads FILE and FILE.d/ *.conf over the config and resolves references. Does not cross-check.
 *
 * @param config    of hec_config_new; on failure it is of no use but to be freed
 * @param problems  gets every mistake, not only the first
 * @return HEC_OK, or hec_problems_status of what was found
 */
HEC_CHECKED enum hec_status hec_config_load(struct hec_config *config, const char *path,
                                            struct hec_problems *problems);

/** The same from a text; name stands for the file in sentences. */
HEC_CHECKED enum hec_status hec_config_parse(struct hec_config *config, const char *name,
                                             const char *text, struct hec_problems *problems);

/** One `section.key=value`, as of a --set option, over what the files say. A head's setting is
 * head.NAME.key. */
HEC_CHECKED enum hec_status hec_config_set(struct hec_config *config, const char *assignment,
                                           struct hec_problems *problems);

/**
 * Holds the settings against each other and against what a daemon needs: required ones, topics
 * that differ, addresses that parse, properties that are ours to set. Opens nothing.
 */
HEC_CHECKED enum hec_status hec_config_check(const struct hec_config *config,
                                             struct hec_problems *problems);

/** Whether the files that the settings name can be read. For `--check` without --offline. */
HEC_CHECKED enum hec_status hec_config_check_files(const struct hec_config *config,
                                                   struct hec_problems *problems);

/** Prints the annotated sample: every setting at its default. This is conf/hecate.conf. */
void hec_config_default_print(FILE *out);

/** Prints the settings in effect with where each came from, secrets masked; what stands at its
 * default is a comment. The output reads as a hecate.conf. */
void hec_config_show(const struct hec_config *config, FILE *out);

/** The same as JSON: an array with key, value, origin, default, reloadable, secret a setting.
 * @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_config_show_json(const struct hec_config *config, FILE *out);

/* A setting that two configs have different values for. Values as hec_config_show has them. */
struct hec_config_change {
    const char *key;            /* "state.cache_mib", "head.ato.mode", "kafka.client.id" */
    const char *before, *after; /* "" when a property is not set */
    bool reloadable;            /* else it wants a restart */
};
/** Calls each for every setting that differs, in the order of the file; returns how many. The
 * texts live for the call only. */
int hec_config_compare(const struct hec_config *before, const struct hec_config *after,
                       void (*each)(void *context, const struct hec_config_change *change),
                       void *context);

/** Gives the running settings the values of those that may change while running, the others left.
 * Origins stay those of the start. One thread; others may read numbers meanwhile. */
void hec_config_take_reloadable(struct hec_config *to, const struct hec_config *from);

/**
 * Explains one setting: what it is for, what it may be, its value in the config and from where.
 *
 * @param config    NULL: only what the table knows
 * @param key       as for hec_config_set; a head's setting without the head, or a name without its
 *                  section, explains all of that name
 * @param problems  when there is no such setting: a sentence with the nearest
 * @return HEC_OK, HEC_NOT_FOUND
 */
HEC_CHECKED enum hec_status hec_config_explain(const struct hec_config *config, const char *key,
                                               FILE *out, struct hec_problems *problems);

/** What is allowed and hardly meant, such as a secret in a file that everybody may read. Each is a
 * problem of status HEC_INVALID; whether one matters is the caller's business (--strict). */
void hec_config_warn(const struct hec_config *config, struct hec_problems *warnings);

/** Prints the settings as the SETTINGS part of hecate.conf(5), mdoc-free man(7) macros. */
void hec_config_manual_print(FILE *out);

/** Where a setting came from, "hecate.conf:12" or "default", into text. key as for
 * hec_config_set, such as "state.redis_address". */
void hec_config_origin(const struct hec_config *config, const char *key, char *text,
                       size_t text_bytes);

/** The value of a pass-through property, NULL when not set. The consumer's and the producer's
 * sections are asked by the caller first. */
const char *hec_properties_find(const struct hec_properties *properties, const char *name);

#endif
