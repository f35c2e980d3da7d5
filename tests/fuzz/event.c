/*
 * A fuzzer's way into the decoder: any bytes, one status, and a few things that must always hold.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "event/text.h"
#include "hecate/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hec_decoder *decoder;
    static struct hec_event event;
    struct hec_decode_limits limits = { .record_bytes_max = 4096, .future_skew_ms = 60000 };
    if (decoder == NULL) {
        must(hec_decoder_new(&decoder, &limits) == HEC_OK);
    }
    char *buffer = malloc(size + HEC_DECODE_PADDING);
    must(buffer != NULL);
    enum hec_field field;
    enum hec_status status = hec_decode(decoder, &event, data, size, -1, buffer, &field);
    must(status == HEC_OK || (status >= HEC_NULL_VALUE && status <= HEC_CARD_NUMBER));
    must(field <= HEC_FIELDS);
    bool utf8 = hec_utf8_valid((const char *)data, size);
    must(status != HEC_NOT_UTF8 || !utf8);
    must(utf8 || status == HEC_NOT_UTF8 || status == HEC_TOO_LARGE || status == HEC_CARD_NUMBER);
    for (int i = 0; status == HEC_OK && i < HEC_FIELDS; i++) {
        if (hec_event_has(&event, i) && hec_field_info(i)->kind < HEC_INTEGER) {
            const struct hec_text *text = &event.value[i].text;
            must(text->length >= 1 && text->length <= 128);
            must(!hec_looks_like_card_number(text->bytes, text->length));
        }
    }
    free(buffer);
    return 0;
}
