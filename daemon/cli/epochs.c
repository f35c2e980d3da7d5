#include "cli/epochs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

static void add(yyjson_mut_doc *doc, yyjson_mut_val *to, const char *name, double value)
{
    if (isfinite(value)) {
        yyjson_mut_obj_add_real(doc, to, name, value);
    } else {
        yyjson_mut_obj_add_null(doc, to, name);
    }
}

static yyjson_mut_val *head_of(yyjson_mut_doc *doc, const struct hec_train_progress *told, int k)
{
    yyjson_mut_val *head = yyjson_mut_obj(doc), *cosines = yyjson_mut_obj(doc);
    add(doc, head, "loss", told->loss[k]);
    add(doc, head, "weight", told->weight[k]);
    add(doc, head, "gradient_norm", told->gradient_norm[k]);
    add(doc, head, "valid_average_precision", told->valid_ap[k]);
    add(doc, head, "valid_log_loss", told->valid_loss[k]);
    for (int j = 0; j < told->heads_count; j++) {
        if (j != k) {
            add(doc, cosines, told->heads[j].name, told->cosine[k * told->heads_count + j]);
        }
    }
    yyjson_mut_obj_add_val(doc, head, "cosine", cosines);
    return head;
}

char *hec_epoch_line(const struct hec_train_progress *told)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *heads = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_int(doc, root, "epoch", told->epoch);
    yyjson_mut_obj_add_bool(doc, root, "best", told->best);
    add(doc, root, "monitor", told->monitor);
    add(doc, root, "conflict_share", told->conflict_share);
    for (int k = 0; k < told->heads_count; k++) {
        yyjson_mut_obj_add_val(doc, heads, told->heads[k].name, head_of(doc, told, k));
    }
    yyjson_mut_obj_add_val(doc, root, "heads", heads);
    char *line = yyjson_mut_write(doc, YYJSON_WRITE_NEWLINE_AT_END, NULL);
    yyjson_mut_doc_free(doc);
    return line;
}
