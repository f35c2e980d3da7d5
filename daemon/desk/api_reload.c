/* The settings in effect, and changed ones, taken while running: what came of it, key by key. */
#include <stdio.h>
#include <stdlib.h>

#include "desk/api.h"
#include "desk/inside.h"

#define WAIT_MS_MAX 4000 /* less than a connection may last */

static void put_key(struct hec_api_call *call, yyjson_mut_val *list,
                    const struct hec_reload_report *report, int row)
{
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(call->reply, list);
    yyjson_mut_obj_add_strcpy(call->reply, one, "key", report->rows[row].key);
    yyjson_mut_obj_add_strcpy(call->reply, one, "before", report->rows[row].before);
    yyjson_mut_obj_add_strcpy(call->reply, one, "after", report->rows[row].after);
}

static void put_report(struct hec_api_call *call, const struct hec_reload_report *report)
{
    yyjson_mut_val *applied = yyjson_mut_obj_add_arr(call->reply, call->root, "applied");
    yyjson_mut_val *restart = yyjson_mut_obj_add_arr(call->reply, call->root, "needs_restart");
    for (int i = 0; i < report->rows_count; i++) {
        put_key(call, report->rows[i].taken ? applied : restart, report, i);
    }
    yyjson_mut_val *model = yyjson_mut_obj_add_obj(call->reply, call->root, "model");
    yyjson_mut_obj_add_strcpy(call->reply, model, "sha256", report->model_sha256);
    yyjson_mut_obj_add_bool(call->reply, model, "changed", report->model_changed);
    yyjson_mut_obj_add_int(call->reply, call->root, "pending_engines", report->pending);
}

void hec_api_reload(struct hec_api_call *call)
{
    /* Static: large, and the desk has one thread. */
    static struct hec_reload_report report;
    static struct hec_problems problems;
    const struct hec_desk_hooks *hooks = &call->desk->options.hooks;
    int64_t wait_ms = hec_api_integer(call, "wait_ms", 0, WAIT_MS_MAX, 0);
    if (call->code != 200) {
        return;
    }
    problems = (struct hec_problems){ 0 };
    enum hec_status status = hooks->reload(hooks->context, (int)wait_ms, &report, &problems);
    if (status == HEC_OK) {
        put_report(call, &report);
        return;
    }
    yyjson_mut_val *errors = yyjson_mut_obj_add_arr(call->reply, call->root, "errors");
    for (int i = 0; i < problems.count; i++) {
        yyjson_mut_arr_add_strcpy(call->reply, errors, problems.rows[i].text);
    }
    hec_api_fail(call, status == HEC_UNAVAILABLE ? 503 : 422,
                 "The settings are refused and those before stay (%d to mend, see errors).",
                 problems.count + problems.dropped);
}

/* A reload changes the settings on this very thread, so they are whole here. */
void hec_api_config(struct hec_api_call *call)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    enum hec_status status =
        out == NULL ? HEC_NO_MEMORY : hec_config_show_json(call->desk->options.config, out);
    if (out != NULL) {
        fclose(out);
    }
    yyjson_doc *doc = status == HEC_OK ? yyjson_read(text, length, YYJSON_READ_NOFLAG) : NULL;
    if (doc == NULL) {
        hec_api_fail(call, 503, "Memory is exhausted.");
    } else {
        yyjson_mut_obj_add_val(call->reply, call->root, "settings",
                               yyjson_val_mut_copy(call->reply, yyjson_doc_get_root(doc)));
    }
    yyjson_doc_free(doc);
    free(text);
}
