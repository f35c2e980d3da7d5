#include "hecate/status.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name;
    const char *text;
} ROWS[HEC_STATUSES] = {
#define HEC_STATUS_ROW(enumerator, name, text) [HEC_##enumerator] = { name, text },
    HEC_STATUS_TABLE(HEC_STATUS_ROW)
#undef HEC_STATUS_ROW
};

const char *hec_status_name(enum hec_status status)
{
    assert((unsigned)status < HEC_STATUSES);
    return ROWS[status].name;
}

const char *hec_status_text(enum hec_status status)
{
    assert((unsigned)status < HEC_STATUSES);
    return ROWS[status].text;
}

enum hec_status hec_fail(struct hec_error *error, enum hec_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
    }
    return status;
}
