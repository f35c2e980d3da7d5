/*
 * Writes real records as inputs of the record fuzzer: what people, their cards and merchants
 * have become after 10, 100 and 3 000 events of a made-up stream.
 *
 *   fuzz-record-seeds FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/feature.h"
#include "record_schema.h"
#include "schema.h"
#include "stream.h"

static void write_seed(const char *folder, int events, const struct hec_image_record *record,
                       int64_t event_ms)
{
    static const uint8_t CHOICE[HEC_KINDS] = { [HEC_USER] = 4, [HEC_CARD] = 5, [HEC_MERCHANT] = 6 };
    char path[1024];
    snprintf(path, sizeof(path), "%s/seed-%s-%d", folder, hec_kind_info(record->id.kind)->name,
             events);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    fwrite(&CHOICE[record->id.kind], 1, 1, file);
    fwrite(&event_ms, 1, sizeof(event_ms), file);
    fwrite(record->bytes, 1, record->length, file);
    fclose(file);
}

int main(int argc, char **argv)
{
    enum { EVENTS = 3000 };
    static struct hec_entity *pool[HEC_KINDS];
    struct hec_plan *plan = plan_of(RECORD_SCHEMA);
    struct hec_entities *entities;
    struct stream *stream = stream_new(1, 600000);
    if (argc != 2 || hec_entities_new(&entities, plan, (size_t)1 << 24) != HEC_OK) {
        return 2;
    }
    hec_entities_set_complete(entities, 0, true);
    stream->users = 40; /* so many cards at a merchant that it counts them by a sketch */
    for (int n = 1; n <= EVENTS; n++) {
        const struct hec_event *event = stream_next(stream);
        struct hec_touched touched;
        hec_plan_want(plan, entities, event, 0, &touched, pool);
        if (hec_plan_judge(plan, event, n, &touched) == HEC_APPLIED &&
            hec_plan_apply(plan, entities, event, n, &touched) != HEC_OK) {
            return 1;
        }
        hec_entities_unpin(entities);
        struct hec_image image;
        if (n != 10 && n != 100 && n != EVENTS) {
            continue;
        }
        if (hec_entities_cut(entities, 0, &image) != HEC_OK) {
            return 1;
        }
        for (size_t i = 0; i < image.count; i++) {
            write_seed(argv[1], n, &image.records[i], hec_event_ms(event));
        }
        hec_entities_discard(entities, 0);
    }
    stream_free(stream);
    hec_entities_free(entities);
    hec_plan_free(plan);
    return 0;
}
