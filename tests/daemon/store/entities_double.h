/*
 * A stand-in for the entity table: it says what the store did to each entry, and refuses records
 * that begin with "bad" (damaged) or "old" (another digest). Linked in place of the real one.
 */
#ifndef HECATE_TESTS_ENTITIES_DOUBLE_H
#define HECATE_TESTS_ENTITIES_DOUBLE_H

#include <string.h>

#include "hecate/entity.h"

enum fate { MISSING, ABSENT, ADOPTED };

struct hec_entity {
    struct hec_entity_id id;
    enum fate fate;
    char bytes[512];
    size_t length;
};

const struct hec_kind_info *hec_kind_info(enum hec_kind kind)
{
    static const struct hec_kind_info ROWS[HEC_KINDS] = {
#define ROW(enumerator, kind_name, token_field, is_owned)                                          \
    [HEC_##enumerator] = { .name = kind_name, .owned = is_owned },
        HEC_KIND_TABLE(ROW)
#undef ROW
    };
    return &ROWS[kind];
}

struct hec_entity_id hec_entity_id(const struct hec_entity *entity)
{
    return entity->id;
}

enum hec_status hec_entities_adopt(struct hec_entities *entities, struct hec_entity *entity,
                                   const void *record, size_t record_bytes)
{
    (void)entities;
    if (record_bytes >= 3 && memcmp(record, "bad", 3) == 0) {
        return HEC_CORRUPT;
    }
    if (record_bytes >= 3 && memcmp(record, "old", 3) == 0) {
        return HEC_MISMATCH;
    }
    entity->fate = ADOPTED;
    entity->length = record_bytes;
    memcpy(entity->bytes, record,
           record_bytes < sizeof(entity->bytes) ? record_bytes : sizeof(entity->bytes));
    return HEC_OK;
}

void hec_entities_absent(struct hec_entities *entities, struct hec_entity *entity)
{
    (void)entities;
    entity->fate = ABSENT;
}

static inline struct hec_entity entity_of(int32_t partition, enum hec_kind kind, const char *token)
{
    return (struct hec_entity){
        .id = { partition, kind, { .bytes = token, .length = (uint32_t)strlen(token) } }
    };
}

static inline struct hec_image_record record_of(int32_t partition, enum hec_kind kind,
                                                const char *token, const char *bytes)
{
    return (struct hec_image_record){ .id = entity_of(partition, kind, token).id,
                                      .bytes = bytes,
                                      .length = strlen(bytes) };
}

#endif
