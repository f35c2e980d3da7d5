#include "ops/tokens.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hecate/digest.h"

#define TOKENS_MAX 256
#define TOKEN_BYTES_MIN 16
#define TOKEN_BYTES_MAX 256
#define LINE_BYTES_MAX 512

struct token {
    char digest[HEC_SHA256_HEX];
    enum hec_role role;
    char name[HEC_ACTOR_MAX];
};

struct hec_tokens {
    struct token rows[TOKENS_MAX];
    int count;
};

static const char *const NAMES[HEC_ROLES] = {
#define ROW(enumerator, name) [HEC_ROLE_##enumerator] = name,
    HEC_ROLE_TABLE(ROW)
#undef ROW
};

const char *hec_role_name(enum hec_role role)
{
    return NAMES[role];
}

static enum hec_role role_named(const char *name, size_t length)
{
    for (int role = HEC_ROLE_VIEWER; role < (int)HEC_ROLES; role++) {
        if (strlen(NAMES[role]) == length && memcmp(NAMES[role], name, length) == 0) {
            return (enum hec_role)role;
        }
    }
    return HEC_ROLE_NONE;
}

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return true;
}

/* One line; empty ones and comments are passed over. The sentence never repeats what stands there.
 */
static enum hec_status take_line(struct hec_tokens *tokens, char *line, const char *path,
                                 int number, struct hec_error *error)
{
    line += strspn(line, " \t");
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#') {
        return HEC_OK;
    }
    size_t role_length = strcspn(line, ":");
    enum hec_role role = role_named(line, role_length);
    if (line[role_length] != ':' || role == HEC_ROLE_NONE) {
        return hec_fail(error, HEC_INVALID,
                        "%s:%d: write \"role:token\" or \"role:token name\"; roles are viewer, "
                        "analyst and operator",
                        path, number);
    }
    char *token = line + role_length + 1;
    size_t length = strcspn(token, " \t");
    if (length < TOKEN_BYTES_MIN || length > TOKEN_BYTES_MAX || !is_printable(token, length)) {
        return hec_fail(error, HEC_INVALID,
                        "%s:%d: a token has %d to %d printable characters; openssl rand -hex 24 "
                        "makes a good one",
                        path, number, TOKEN_BYTES_MIN, TOKEN_BYTES_MAX);
    }
    char *name = token + length + strspn(token + length, " \t");
    name[strcspn(name, " \t")] = '\0';
    if (strlen(name) >= HEC_ACTOR_MAX || !is_printable(name, strlen(name))) {
        return hec_fail(error, HEC_INVALID, "%s:%d: a name has at most %d printable characters",
                        path, number, HEC_ACTOR_MAX - 1);
    }
    if (tokens->count == TOKENS_MAX) {
        return hec_fail(error, HEC_INVALID, "%s:%d: more than %d tokens", path, number, TOKENS_MAX);
    }
    struct token *row = &tokens->rows[tokens->count++];
    hec_sha256(token, length, row->digest);
    row->role = role;
    snprintf(row->name, sizeof(row->name), "%s", name[0] == '\0' ? NAMES[role] : name);
    return HEC_OK;
}

static enum hec_status read_all(struct hec_tokens *tokens, FILE *file, const char *path,
                                struct hec_error *error)
{
    struct stat status;
    if (fstat(fileno(file), &status) != 0 || (status.st_mode & S_IRWXO) != 0) {
        return hec_fail(error, HEC_DENIED, "%s: others may read it; chmod o-rwx %s", path, path);
    }
    char line[LINE_BYTES_MAX];
    enum hec_status result = HEC_OK;
    for (int number = 1; result == HEC_OK && fgets(line, sizeof(line), file) != NULL; number++) {
        if (strchr(line, '\n') == NULL && !feof(file)) {
            return hec_fail(error, HEC_INVALID, "%s:%d: the line is too long", path, number);
        }
        result = take_line(tokens, line, path, number, error);
    }
    explicit_bzero(line, sizeof(line));
    return result;
}

enum hec_status hec_tokens_load(struct hec_tokens **ret, const char *path, struct hec_error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return hec_fail(error, errno == ENOENT ? HEC_NOT_FOUND : HEC_DENIED,
                        "cannot read the tokens: %s: %s", path, strerror(errno));
    }
    struct hec_tokens *tokens = calloc(1, sizeof(*tokens));
    enum hec_status status = tokens == NULL
                                 ? hec_fail(error, HEC_NO_MEMORY, "no memory for the tokens")
                                 : read_all(tokens, file, path, error);
    fclose(file);
    if (status == HEC_OK && tokens->count == 0) {
        status = hec_fail(error, HEC_INVALID, "%s: there is no token in it", path);
    }
    if (status != HEC_OK) {
        hec_tokens_free(tokens);
        return status;
    }
    *ret = tokens;
    return HEC_OK;
}

void hec_tokens_free(struct hec_tokens *tokens)
{
    free(tokens);
}

/* Digests of one length, every byte of every row looked at: the time says nothing. */
enum hec_role hec_tokens_role(const struct hec_tokens *tokens, const char *token, size_t length,
                              char actor[HEC_ACTOR_MAX])
{
    char digest[HEC_SHA256_HEX];
    int found = -1;
    if (tokens == NULL) {
        return HEC_ROLE_NONE;
    }
    hec_sha256(token, length, digest);
    for (int i = 0; i < tokens->count; i++) {
        unsigned difference = 0;
        for (int b = 0; b < HEC_SHA256_HEX; b++) {
            difference |= (unsigned)(digest[b] ^ tokens->rows[i].digest[b]);
        }
        found = difference == 0 ? i : found;
    }
    if (found < 0) {
        return HEC_ROLE_NONE;
    }
    memcpy(actor, tokens->rows[found].name, HEC_ACTOR_MAX);
    return tokens->rows[found].role;
}
