/* Bearer tokens: a file of them, and who a presented one is. */
#include "ops/tokens.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VIEWER_TOKEN "viewer-token-0123456789"
#define OPERATOR_TOKEN "operator-token-0123456789"

static char path[] = "/tmp/hecate-tokens-XXXXXX";

static void write_file(const char *text, mode_t mode)
{
    strcpy(path, "/tmp/hecate-tokens-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
}

static enum hec_status load(struct hec_tokens **tokens, const char *text, struct hec_error *error)
{
    write_file(text, 0600);
    enum hec_status status = hec_tokens_load(tokens, path, error);
    unlink(path);
    return status;
}

Test(tokens, know_the_role_and_the_name_of_each_and_of_nothing_else)
{
    struct hec_tokens *tokens = NULL;
    struct hec_error error = { 0 };
    char actor[HEC_ACTOR_MAX] = "nobody";
    cr_assert_eq(load(&tokens,
                      "# who\n\n  viewer:" VIEWER_TOKEN "\noperator:" OPERATOR_TOKEN "  ops\r\n",
                      &error),
                 HEC_OK, "%s", error.text);

    cr_expect_eq(hec_tokens_role(tokens, "", 0, actor), HEC_ROLE_NONE);
    cr_expect_eq(hec_tokens_role(tokens, VIEWER_TOKEN, strlen(VIEWER_TOKEN) - 1, actor),
                 HEC_ROLE_NONE);
    cr_expect_eq(hec_tokens_role(tokens, VIEWER_TOKEN "x", strlen(VIEWER_TOKEN) + 1, actor),
                 HEC_ROLE_NONE);
    cr_expect_str_eq(actor, "nobody");
    cr_expect_eq(hec_tokens_role(tokens, VIEWER_TOKEN, strlen(VIEWER_TOKEN), actor),
                 HEC_ROLE_VIEWER);
    cr_expect_str_eq(actor, "viewer");
    cr_expect_eq(hec_tokens_role(tokens, OPERATOR_TOKEN, strlen(OPERATOR_TOKEN), actor),
                 HEC_ROLE_OPERATOR);
    cr_expect_str_eq(actor, "ops");
    hec_tokens_free(tokens);
    cr_expect_eq(hec_tokens_role(NULL, OPERATOR_TOKEN, strlen(OPERATOR_TOKEN), actor),
                 HEC_ROLE_NONE);
}

Test(tokens, refuse_a_line_by_its_number_and_never_repeat_it)
{
    static const char *const BAD[] = {
        "viewer:" VIEWER_TOKEN "\nboss:secret-secret-secret\n",
        "viewer:" VIEWER_TOKEN "\nsecret-secret-secret\n",
        "viewer:" VIEWER_TOKEN "\noperator:secret-short\n",
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct hec_tokens *tokens = NULL;
        struct hec_error error = { 0 };
        cr_expect_eq(load(&tokens, BAD[i], &error), HEC_INVALID);
        cr_expect(strstr(error.text, ":2: ") != NULL, "%s", error.text);
        cr_expect(strstr(error.text, "secret") == NULL, "%s", error.text);
    }
}

Test(tokens, refuse_a_file_without_one_and_a_file_that_others_may_read)
{
    struct hec_tokens *tokens = NULL;
    struct hec_error error = { 0 };
    cr_expect_eq(load(&tokens, "# none\n", &error), HEC_INVALID);
    write_file("viewer:" VIEWER_TOKEN "\n", 0644);
    cr_expect_eq(hec_tokens_load(&tokens, path, &error), HEC_DENIED);
    cr_expect(strstr(error.text, "chmod") != NULL);
    unlink(path);
    cr_expect_eq(hec_tokens_load(&tokens, path, &error), HEC_NOT_FOUND);
}
