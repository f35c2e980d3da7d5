/* A record of one part in a buffer of its own, for tests of parts. */
#ifndef HECATE_TESTS_STATE_FIXTURE_H
#define HECATE_TESTS_STATE_FIXTURE_H

#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#include "state/record.h"

struct fixture {
    struct hec_layout layout;
    alignas(16) uint8_t bytes[1 << 18];
};

/* A record whose part 0 is the one under test and whose part 1 is a guard of one id: it shows when
 * an edit of part 0 does not move what follows it. */
static inline struct hec_record *fixture_record(struct fixture *fixture, struct hec_part part)
{
    struct hec_text token = { .bytes = "token", .length = 5 };
    struct hec_record *record = (struct hec_record *)(void *)fixture->bytes;
    fixture->layout = (struct hec_layout){
        .kind = HEC_USER,
        .state_digest = 42,
        .fixed_bytes = 16,
        .parts_count = 2,
        .parts = { part, { .kind = HEC_PART_IDS, .element_bytes = 12, .elements_max = 32 } },
        .bytes_max = sizeof(fixture->bytes),
    };
    hec_record_init(record, &fixture->layout, &token);
    record->bytes += 12;
    hec_record_counts(record, &fixture->layout)[1] = 1;
    memcpy(hec_record_parts(record, &fixture->layout), "guard guard", 12);
    return record;
}

static inline uint16_t *fixture_count(struct fixture *fixture)
{
    return hec_record_counts((struct hec_record *)(void *)fixture->bytes, &fixture->layout);
}

static inline uint8_t *fixture_part(struct fixture *fixture)
{
    return hec_record_parts((struct hec_record *)(void *)fixture->bytes, &fixture->layout);
}

/* Part 0 goes where an edit wants it; its room is filled with what nobody may rely on. Its count is
 * what it was before the edit: given, because a drop has changed it. */
static inline void fixture_reshape(struct fixture *fixture, uint16_t count, struct hec_fate fate)
{
    struct hec_record *record = (struct hec_record *)(void *)fixture->bytes;
    uint16_t counts[2] = { count, 1 };
    uint32_t places[HEC_PARTS_MAX + 1];
    hec_record_places(counts, hec_record_parts_at(record, &fixture->layout), &fixture->layout,
                      places);
    hec_record_reshape(record, record, &fixture->layout, places, &fate, 1);
    memset(fixture->bytes + places[0] + fate.keep, 0xa5, fate.room);
}

/* Room for one element more behind the last. */
static inline void fixture_room(struct fixture *fixture, bool wanted)
{
    const struct hec_part *part = &fixture->layout.parts[0];
    uint16_t count = *fixture_count(fixture);
    if (wanted && count < part->elements_max) {
        fixture_reshape(
            fixture, count,
            (struct hec_fate){ .keep = count * part->element_bytes, .room = part->element_bytes });
    }
}

static inline bool fixture_is_sound(struct fixture *fixture)
{
    struct hec_text token = { .bytes = "token", .length = 5 };
    struct hec_record *record = (struct hec_record *)(void *)fixture->bytes;
    hec_record_seal(record);
    const uint8_t *guard = fixture->bytes + record->bytes - 12;
    return memcmp(guard, "guard guard", 12) == 0 &&
           hec_record_check(record, record->bytes, &fixture->layout, &token) == HEC_OK;
}

#endif
