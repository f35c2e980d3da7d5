/*
 * A hash table with open addresses over entries that lie side by side, their texts behind them.
 */
#include "hecate/lists.h"

#include <stdlib.h>
#include <string.h>

struct hec_lists {
    struct hec_list_entry *entries;
    uint32_t *slots; /* index of an entry + 1; 0: empty */
    uint32_t mask;
    size_t count;
    uint32_t kinds; /* kinds that any entry has: most lists name one or two */
    char *texts;
};

/* Where a token of a kind is looked for first. The hash is the event's own. */
static uint32_t slot_of(const struct hec_lists *lists, enum hec_kind kind, uint32_t hash)
{
    return (hash * UINT32_C(0x9e3779b1) + (uint32_t)kind * UINT32_C(0x85ebca6b)) & lists->mask;
}

static uint32_t *find(const struct hec_lists *lists, enum hec_kind kind,
                      const struct hec_text *token)
{
    uint32_t at = slot_of(lists, kind, token->hash);
    while (lists->slots[at] != 0) {
        const struct hec_list_entry *entry = &lists->entries[lists->slots[at] - 1];
        if (entry->kind == kind && strlen(entry->token) == token->length &&
            memcmp(entry->token, token->bytes, token->length) == 0) {
            break;
        }
        at = (at + 1) & lists->mask;
    }
    return &lists->slots[at];
}

static const char *copy(char **room, const char *text, size_t length_max)
{
    size_t length = strnlen(text, length_max);
    char *at = *room;
    memcpy(at, text, length);
    at[length] = '\0';
    *room += length + 1;
    return at;
}

static enum hec_status allocate(struct hec_lists *lists, const struct hec_list_entry *entries,
                                size_t count)
{
    size_t slots = 16, bytes = 1;
    while (slots < 2 * count) {
        slots *= 2;
    }
    for (size_t i = 0; i < count; i++) {
        bytes += strnlen(entries[i].token, 4096) + HEC_LIST_REASON_MAX + 2;
    }
    lists->mask = (uint32_t)slots - 1;
    lists->slots = calloc(slots, sizeof(*lists->slots));
    lists->entries = calloc(count + 1, sizeof(*lists->entries));
    lists->texts = malloc(bytes);
    return lists->slots == NULL || lists->entries == NULL || lists->texts == NULL ? HEC_NO_MEMORY
                                                                                  : HEC_OK;
}

enum hec_status hec_lists_new(struct hec_lists **ret, const struct hec_list_entry *entries,
                              size_t count)
{
    if (count > HEC_LISTS_MAX) {
        return HEC_TOO_LARGE;
    }
    struct hec_lists *lists = calloc(1, sizeof(*lists));
    if (lists == NULL || allocate(lists, entries, count) != HEC_OK) {
        hec_lists_free(lists);
        return HEC_NO_MEMORY;
    }
    char *room = lists->texts;
    for (size_t i = 0; i < count; i++) {
        struct hec_text token = hec_text_of(entries[i].token);
        uint32_t *slot = find(lists, entries[i].kind, &token);
        *slot = *slot != 0 ? *slot : (uint32_t)++lists->count;
        struct hec_list_entry *entry = &lists->entries[*slot - 1];
        *entry = entries[i];
        entry->token = copy(&room, entries[i].token, 4096);
        entry->reason =
            copy(&room, entries[i].reason == NULL ? "" : entries[i].reason, HEC_LIST_REASON_MAX);
        lists->kinds |= 1u << entry->kind;
    }
    *ret = lists;
    return HEC_OK;
}

void hec_lists_free(struct hec_lists *lists)
{
    if (lists != NULL) {
        free(lists->entries);
        free(lists->slots);
        free(lists->texts);
        free(lists);
    }
}

size_t hec_lists_count(const struct hec_lists *lists)
{
    return lists->count;
}

const struct hec_list_entry *hec_lists_find(const struct hec_lists *lists,
                                            const struct hec_event *event)
{
    const struct hec_list_entry *found = NULL;
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        enum hec_field field = hec_kind_info((enum hec_kind)kind)->field;
        if ((lists->kinds >> kind & 1) == 0 || !hec_event_has(event, field)) {
            continue;
        }
        uint32_t slot = *find(lists, (enum hec_kind)kind, &event->value[field].text);
        const struct hec_list_entry *entry = slot == 0 ? NULL : &lists->entries[slot - 1];
        bool counts =
            entry != NULL && (entry->until_ms == 0 || hec_event_ms(event) < entry->until_ms);
        if (counts && (found == NULL || (entry->deny && !found->deny))) {
            found = entry;
        }
    }
    return found;
}
