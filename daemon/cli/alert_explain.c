#include "cli/alert_explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/journey.h"
#include "desk/explain.h"

/* The answer becomes what the daemon would have said, had it this model. */
static int explain_here(const struct hec_arguments *arguments, const char *path,
                        struct hec_answer *answer)
{
    struct hec_luggage luggage = { 0 };
    int status = hec_luggage_model(&luggage, arguments, path);
    if (status != HEC_EXIT_OK) {
        hec_luggage_free(&luggage);
        return status;
    }
    struct hec_policy policy;
    struct hec_error error = { 0 };
    hec_policy_default(&policy, hec_model_info(luggage.model));
    struct hec_explain explain = { luggage.plan, luggage.model, luggage.model_sha256, &policy };
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_strcpy(doc, root, "alert_id", hec_member_text(answer->root, "alert_id"));
    yyjson_mut_obj_add_strcpy(doc, root, "head", hec_member_text(answer->root, "head"));
    yyjson_mut_obj_add_strcpy(doc, root, "model_sha256", luggage.model_sha256);
    if (hec_explain_alert(&explain, yyjson_obj_get(answer->root, "alert"), doc, root, &error) !=
        HEC_OK) {
        status = hec_cli_fail(arguments, &error);
    }
    hec_answer_free(answer);
    *answer = (struct hec_answer){ .code = 200 };
    if (status == HEC_EXIT_OK) {
        answer->text = yyjson_mut_write(doc, YYJSON_WRITE_NEWLINE_AT_END, &answer->length);
        answer->doc = yyjson_read(answer->text, answer->length, YYJSON_READ_NOFLAG);
        answer->root = yyjson_doc_get_root(answer->doc);
    }
    yyjson_mut_doc_free(doc);
    hec_luggage_free(&luggage);
    return status;
}

static void print_pair(const char *name, yyjson_val *pair)
{
    printf("  %-12s%12.6f%12.6f\n", name, yyjson_get_num(yyjson_obj_get(pair, "recorded")),
           yyjson_get_num(yyjson_obj_get(pair, "again")));
}

static void print_explained(yyjson_val *root)
{
    yyjson_val *name, *pair, *reasons = yyjson_obj_get(root, "reasons");
    size_t i, count;
    printf("%s  %s  model %.12s\n\n%-14s%12s%12s\n", hec_member_text(root, "alert_id"),
           hec_member_text(root, "head"), hec_member_text(root, "model_sha256"), "Scores",
           "recorded", "again");
    yyjson_obj_foreach(yyjson_obj_get(root, "heads"), i, count, name, pair)
    {
        print_pair(yyjson_get_str(name), pair);
    }
    printf("\n%-14s%12s%12s\n", "Why", "recorded", "again");
    yyjson_arr_foreach(reasons, i, count, pair)
    {
        print_pair(hec_member_text(pair, "code"), pair);
        printf("      ");
        hec_print_plain(hec_member_text(pair, "text"), 0);
        printf("\n");
    }
    printf("\n%s: scores differ by %.1g at most, reasons %s\n",
           yyjson_get_bool(yyjson_obj_get(root, "same")) ? "the same" : "NOT THE SAME",
           yyjson_get_num(yyjson_obj_get(root, "score_difference_max")),
           !yyjson_get_bool(yyjson_obj_get(root, "same_reasons")) ? "differ"
           : hec_member_integer(root, "ties") > 0                 ? "are the same apart from ties"
                                                                  : "are the same");
}

int hec_alert_explain(const struct hec_arguments *arguments, struct hec_answer *answer)
{
    char path[512], id[200];
    const char *model = hec_text_or(arguments, "model", NULL);
    hec_talk_encode(id, sizeof(id), arguments->positionals[1]);
    snprintf(path, sizeof(path), "/api/v1/alerts/%s%s", id, model == NULL ? "/explain" : "");
    int status = hec_talk(arguments, "GET", path, NULL, answer);
    if (status == HEC_EXIT_OK && model != NULL) {
        status = explain_here(arguments, model, answer);
    }
    if (status != HEC_EXIT_OK) {
        return status;
    }
    if (hec_given(arguments, "json")) {
        fwrite(answer->text, 1, answer->length, stdout);
    } else {
        print_explained(answer->root);
    }
    return yyjson_get_bool(yyjson_obj_get(answer->root, "same")) ? HEC_EXIT_OK : HEC_EXIT_FAILURE;
}
