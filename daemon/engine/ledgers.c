#include "engine/ledgers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK " ledger="

struct hec_ledgers {
    struct {
        struct hec_ledger now, sent, settled;
    } * rows; /* by partition */
};

enum hec_status hec_ledgers_new(struct hec_ledgers **ret, int32_t partitions)
{
    struct hec_ledgers *ledgers = calloc(1, sizeof(*ledgers));
    if (ledgers == NULL) {
        return HEC_NO_MEMORY;
    }
    ledgers->rows = calloc((size_t)partitions, sizeof(*ledgers->rows));
    if (ledgers->rows == NULL) {
        free(ledgers);
        return HEC_NO_MEMORY;
    }
    *ret = ledgers;
    return HEC_OK;
}

void hec_ledgers_free(struct hec_ledgers *ledgers)
{
    if (ledgers != NULL) {
        free(ledgers->rows);
        free(ledgers);
    }
}

struct hec_ledger *hec_ledgers_now(struct hec_ledgers *ledgers, int32_t partition)
{
    return &ledgers->rows[partition].now;
}

void hec_ledgers_open(struct hec_ledgers *ledgers, int32_t partition, const char *metadata)
{
    const char *found = strstr(metadata, MARK);
    hec_ledger_parse(&ledgers->rows[partition].settled, found == NULL ? "" : found + strlen(MARK));
    ledgers->rows[partition].sent = ledgers->rows[partition].settled;
    hec_ledgers_rewind(ledgers, partition);
}

bool hec_ledgers_send(struct hec_ledgers *ledgers, int32_t partition, char *text, size_t bytes)
{
    char printed[HEC_LEDGER_TEXT_MAX];
    const struct hec_ledger *now = &ledgers->rows[partition].now;
    ledgers->rows[partition].sent = *now;
    if (now->day == 0 && now->slot == 0) {
        return true;
    }
    if (hec_ledger_print(printed, now) == 0 || strlen(MARK) + strlen(printed) >= bytes) {
        return false;
    }
    snprintf(text, bytes, MARK "%s", printed);
    return true;
}

const struct hec_ledger *hec_ledgers_settled(const struct hec_ledgers *ledgers, int32_t partition)
{
    return &ledgers->rows[partition].settled;
}

void hec_ledgers_settle(struct hec_ledgers *ledgers, int32_t partition)
{
    ledgers->rows[partition].settled = ledgers->rows[partition].sent;
}

void hec_ledgers_rewind(struct hec_ledgers *ledgers, int32_t partition)
{
    ledgers->rows[partition].now = ledgers->rows[partition].settled;
}
