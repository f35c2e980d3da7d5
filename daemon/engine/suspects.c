/* A short list, searched from its start: it is empty nearly always. */
#include "engine/suspects.h"

#include <stddef.h>

void hec_suspects_next_attempt(struct hec_suspects *suspects)
{
    suspects->attempt++;
}

static struct hec_suspect *find(struct hec_suspects *suspects, int32_t partition, int64_t offset)
{
    for (int i = 0; i < suspects->count; i++) {
        struct hec_suspect *suspect = &suspects->list[i];
        if (suspect->partition == partition && suspect->offset == offset) {
            return suspect;
        }
    }
    return NULL;
}

enum hec_way hec_suspects_accuse(struct hec_suspects *suspects, int32_t partition, int64_t offset,
                                 bool proved)
{
    struct hec_suspect *suspect = find(suspects, partition, offset);
    if (suspect == NULL && suspects->count == HEC_SUSPECTS_MAX) {
        return HEC_WAY_USUAL;
    }
    if (suspect == NULL) {
        suspect = &suspects->list[suspects->count++];
        *suspect = (struct hec_suspect){ partition, offset, HEC_WAY_USUAL, suspects->attempt - 1 };
    }
    if (suspect->attempt != suspects->attempt && suspect->way < HEC_WAY_NONE) {
        suspect->attempt = suspects->attempt;
        suspect->way++;
    }
    if (proved && suspect->way < HEC_WAY_LETTER) {
        suspect->way = HEC_WAY_LETTER;
    }
    return suspect->way;
}

enum hec_way hec_suspects_way(const struct hec_suspects *suspects, int32_t partition,
                              int64_t offset)
{
    const struct hec_suspect *suspect = find((struct hec_suspects *)suspects, partition, offset);
    return suspect == NULL ? HEC_WAY_USUAL : suspect->way;
}

void hec_suspects_forget(struct hec_suspects *suspects, int32_t partition, int64_t before)
{
    for (int i = 0; i < suspects->count; i++) {
        if (suspects->list[i].partition == partition && suspects->list[i].offset < before) {
            suspects->list[i--] = suspects->list[--suspects->count];
        }
    }
}
