/*
 * Talking to a running hecated over its Unix socket: one request, one answer. What the console's
 * commands share.
 */
#ifndef HECATE_CLI_TALK_H
#define HECATE_CLI_TALK_H

#include <stddef.h>
#include <yyjson.h>

#include "cli/command.h"

#define HEC_SOCKET_PATH "/run/hecate/admin.sock"

/* The flags that every such command has, last in its table. */
#define HEC_TALK_FLAGS                                                                             \
    { "socket", "PATH", "of the daemon (default: as --config says, " HEC_SOCKET_PATH ")",          \
      HEC_FLAG_TEXT },                                                                             \
    {                                                                                              \
        "config", "FILE", "the daemon's settings, to find its socket", HEC_FLAG_TEXT               \
    }
#define HEC_JSON_FLAG                                                                              \
    {                                                                                              \
        "json", NULL, "print the answer as JSON", HEC_FLAG_SWITCH                                  \
    }

/* An answer. doc is NULL when there was none. */
struct hec_answer {
    int code; /* HTTP's */
    char *text;
    size_t length;
    yyjson_doc *doc;
    yyjson_val *root;
};

/**
 * Asks and waits for the answer; tells on standard error what went wrong.
 *
 * @param path  with its query; percent-encoded where needed
 * @param body  JSON, or NULL
 * @return HEC_EXIT_OK with an answer below 400; HEC_EXIT_UNREACHABLE (no daemon there),
 *         HEC_EXIT_FAILURE (refused, told)
 */
int hec_talk(const struct hec_arguments *arguments, const char *method, const char *path,
             const char *body, struct hec_answer *answer);
/** Posts a document, which is freed. The same. */
int hec_talk_post(const struct hec_arguments *arguments, const char *path, yyjson_mut_doc *doc,
                  struct hec_answer *answer);
void hec_answer_free(struct hec_answer *answer);

/** Ends a command: shows the answer, where status says that there is one, as --json says or by
 * print (NULL: not at all), and frees it. @return status */
int hec_answer_show(const struct hec_arguments *arguments, int status, struct hec_answer *answer,
                    void (*print)(yyjson_val *root));

/** A document whose root is an object with the kind and the token of KIND:TOKEN, borrowed. */
yyjson_mut_doc *hec_talk_entity(const char *entity);

/** Opens a stream of lines (server-sent events) at the path. NULL: told. Close it with fclose. */
FILE *hec_talk_stream(const struct hec_arguments *arguments, const char *path);

/** Percent-encodes what a part of a path or a query may not hold. Cut at bytes. */
void hec_talk_encode(char *encoded, size_t bytes, const char *text);

/** Prints text of events, which is hostile (UTF-8): control characters, which could steer a
 * terminal, become '?'. columns: cut or filled up to so many; 0: as long as it is. */
void hec_print_plain(const char *text, int columns);
/** The same, filled up but never cut: for what is to be copied. */
void hec_print_whole(const char *text, int columns);

/** "90s", "30m", "2h", "7d" in seconds; 0: none of these. */
int64_t hec_talk_duration_s(const char *text);

/** Members of a JSON object, with a fallback where there is none. */
const char *hec_member_text(yyjson_val *object, const char *name);
int64_t hec_member_integer(yyjson_val *object, const char *name);

#endif
