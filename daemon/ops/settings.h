/*
 * The table of settings, for the files of this room: config.c parses with it, config_print.c
 * prints from it, config_check.c holds values against each other.
 */
#ifndef HECATE_OPS_SETTINGS_H
#define HECATE_OPS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ops/config.h"

enum hec_setting_type {
    HEC_SETTING_TEXT,
    HEC_SETTING_INTEGER,
    HEC_SETTING_RATIO, /* a number with a fraction */
    HEC_SETTING_BOOLEAN,
    HEC_SETTING_CHOICE, /* one of choices; the value is its index */
};

/* One setting. Strings are static. */
struct hec_setting {
    const char *section, *name;
    enum hec_setting_type type;
    const char *unit; /* "ms", "records" ...; "" for none */
    const char *standard;
    double minimum, maximum; /* of numbers; equal: not looked at */
    const char *const *choices;
    bool reloadable;  /* may change while running */
    bool secret;      /* never printed */
    bool required;    /* a daemon cannot start without */
    size_t offset;    /* in struct hec_config; for heads in their element */
    const char *help; /* whole sentences */
};

struct hec_setting_section {
    const char *name;
    const char *help;
    bool passes_through; /* librdkafka's names */
};

/** The settings in the order of the file, ended by a row without a name. */
const struct hec_setting *hec_settings(void);
/** The sections in the order of the file, ended by a row without a name. */
const struct hec_setting_section *hec_setting_sections(void);

/** The setting of that name; NULL when there is none. */
const struct hec_setting *hec_setting_named(const char *section, const char *name);
/** The name that a mistyped key of this section probably meant; NULL when nothing is near. Knows
 * the names that other products use for the same thing. */
const char *hec_setting_nearest(const char *section, const char *mistyped);

/**
 * Parses text into the setting's member.
 *
 * @param head  of the sections titled by a head; else 0
 * @return false when the text is not such a value; expected then says what is, such as
 *         "0 .. 999" or "true or false"
 */
bool hec_setting_parse(const struct hec_setting *setting, struct hec_config *config, int head,
                       const char *text, char *expected, size_t expected_bytes);

/** Writes the member's value as the file would have it (texts quoted). Secrets are not masked. */
void hec_setting_print(const struct hec_setting *setting, const struct hec_config *config, int head,
                       char *text, size_t text_bytes);

#define HEC_MASK "\"********\""
#define HEC_SHOWN_BYTES (HEC_CONFIG_TEXT_MAX * 2 + 3)

/** The same for people: a reference as it was written, a secret as HEC_MASK. */
void hec_setting_show(const struct hec_setting *setting, const struct hec_config *config, int head,
                      char *text, size_t text_bytes);
/** The same of a pass-through property; a long value is cut. */
void hec_property_show(const struct hec_property *property, char *text, size_t text_bytes);

/** The properties of a pass-through section; NULL for another section. */
const struct hec_properties *hec_config_properties(const struct hec_config *config,
                                                   const char *section);

/** "0 .. 999", "true or false", "exactly_once or at_least_once", "text of at most 511 bytes". */
void hec_setting_range(const struct hec_setting *setting, char *text, size_t text_bytes);

/* Where a value came from. All zero: the default. */
struct hec_config_origin {
    const char *file; /* owned by the config */
    int line;
    char *reference; /* as written, when it was one */
};
#define HEC_SETTINGS_MAX 96
struct hec_config_origins {
    struct hec_config_origin rows[HEC_SETTINGS_MAX][HEC_CONFIG_HEADS];
    char *files[64];
    int files_count;
};

/** The origin of a setting; head as above. Never NULL. */
struct hec_config_origin *hec_setting_origin(const struct hec_config *config,
                                             const struct hec_setting *setting, int head);

/* Where an address leads. */
enum hec_listen_kind { HEC_LISTEN_NONE, HEC_LISTEN_UNIX, HEC_LISTEN_INET };
struct hec_listen {
    enum hec_listen_kind kind;
    char host[108]; /* or the path; an IPv6 address without its brackets */
    int port;
    bool loopback; /* literal loopback address, or "localhost" */
};
/** Splits "host:port", "[v6]:port" or "unix:/path"; "" is none. False when it is none of these. */
bool hec_listen_parse(struct hec_listen *listen, const char *text);

#endif
