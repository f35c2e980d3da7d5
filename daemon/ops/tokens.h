/*
 * Who may do what over HTTP: bearer tokens, one "role:token [name]" a line.
 *
 *   # comment
 *   operator:5f0c...c1 ops
 *   analyst:9b77...02  ana
 *
 * Only digests of the tokens are kept, and a presented one is compared with all of them in a time
 * that depends on neither.
 */
#ifndef HECATE_OPS_TOKENS_H
#define HECATE_OPS_TOKENS_H

#include <stddef.h>

#include "hecate/status.h"

/* Each may do what the ones before it may. X(enumerator, name) */
#define HEC_ROLE_TABLE(X)                                                                          \
    X(NONE, "none")                                                                                \
    X(VIEWER, "viewer")                                                                            \
    X(ANALYST, "analyst")                                                                          \
    X(OPERATOR, "operator")

enum hec_role {
#define HEC_ROLE_ENUM(enumerator, name) HEC_ROLE_##enumerator,
    HEC_ROLE_TABLE(HEC_ROLE_ENUM)
#undef HEC_ROLE_ENUM
        HEC_ROLES
};

/** "viewer" and so on. */
const char *hec_role_name(enum hec_role role);

#define HEC_ACTOR_MAX 64 /* bytes of who did it, with its end */

struct hec_tokens;

/**
 * Reads the file. It must not be readable by others, a token has 16 to 256 printable characters
 * without blanks, and there are at most 256 of them.
 *
 * @return HEC_OK, HEC_NOT_FOUND, HEC_DENIED (cannot be read, or others can read it), HEC_INVALID
 *         (the sentence names the line, never the token), HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_tokens_load(struct hec_tokens **ret, const char *path,
                                            struct hec_error *error);
/** Accepts NULL. */
void hec_tokens_free(struct hec_tokens *tokens);

/** The role of a presented token, HEC_ROLE_NONE when it is none of ours (or tokens is NULL); then
 * actor stays as it was. Else it receives the token's name: the role when it has none. */
enum hec_role hec_tokens_role(const struct hec_tokens *tokens, const char *token, size_t length,
                              char actor[HEC_ACTOR_MAX]);

#endif
