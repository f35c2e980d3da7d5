/* The eight kinds of entity, read from their one table. */
#include <assert.h>
#include <string.h>

#include "hecate/entity.h"

static const struct hec_kind_info ROWS[HEC_KINDS] = {
#define HEC_KIND_ROW(enumerator, name, field, owned)                                               \
    [HEC_##enumerator] = { name, HEC_F_##field, owned },
    HEC_KIND_TABLE(HEC_KIND_ROW)
#undef HEC_KIND_ROW
};

const struct hec_kind_info *hec_kind_info(enum hec_kind kind)
{
    assert((unsigned)kind < HEC_KINDS);
    return &ROWS[kind];
}

enum hec_kind hec_kind_named(const char *name, size_t length)
{
    int kind = 0;
    while (kind < HEC_KINDS &&
           (strlen(ROWS[kind].name) != length || memcmp(ROWS[kind].name, name, length) != 0)) {
        kind++;
    }
    return (enum hec_kind)kind;
}
