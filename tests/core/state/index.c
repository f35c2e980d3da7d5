/* The index: whatever was added and not removed is found, at any size, one bucket at a time. */
#include "state/index.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 20000 };
static struct hec_entity entries[N];
static char tokens[N][16];

static struct hec_text token(int i)
{
    return (struct hec_text){ .bytes = tokens[i], .length = (uint32_t)strlen(tokens[i]) };
}

static void make(int i)
{
    snprintf(tokens[i], sizeof(tokens[i]), "t%d", i / 2);
    struct hec_text text = token(i);
    enum hec_kind kind = i % 2 == 0 ? HEC_USER : HEC_CARD;
    entries[i] = (struct hec_entity){
        .memory = tokens[i],
        .kind = (uint8_t)kind,
        .partition = i % 3,
        .token_length = (uint8_t)text.length,
        .flags = HEC_ENTRY_USED,
        .hash = hec_index_hash(i % 3, kind, &text),
    };
}

static struct hec_entity *find(const struct hec_index *index, int i)
{
    struct hec_text text = token(i);
    return hec_index_find(index, entries[i].hash, entries[i].partition,
                          (enum hec_kind)entries[i].kind, &text);
}

Test(index, finds_what_was_added_while_it_grows)
{
    struct hec_index index = { 0 };
    for (int i = 0; i < N; i++) {
        make(i);
        cr_assert_null(find(&index, i));
        cr_assert(hec_index_add(&index, &entries[i]));
        cr_assert_eq(find(&index, i), &entries[i]);
        cr_assert_eq(find(&index, i / 2), &entries[i / 2]);
    }
    for (int i = 0; i < N; i++) {
        cr_assert_eq(find(&index, i), &entries[i]);
    }
    cr_expect_eq(index.entries, (size_t)N);
    cr_expect_eq(index.buckets, (size_t)N);
    hec_index_free(&index);
}

Test(index, tells_partitions_and_kinds_and_tokens_apart)
{
    struct hec_index index = { 0 };
    make(0);
    cr_assert(hec_index_add(&index, &entries[0]));
    struct hec_text text = token(0);
    struct hec_text other = { .bytes = "t1", .length = 2 };
    struct hec_text longer = { .bytes = "t00", .length = 3 };
    uint64_t hash = entries[0].hash;
    cr_expect_null(hec_index_find(&index, hash, 1, HEC_USER, &text));
    cr_expect_null(hec_index_find(&index, hash, 0, HEC_CARD, &text));
    cr_expect_null(hec_index_find(&index, hash, 0, HEC_USER, &other));
    cr_expect_null(hec_index_find(&index, hash, 0, HEC_USER, &longer));
    cr_expect_eq(hec_index_find(&index, hash, 0, HEC_USER, &text), &entries[0]);
    hec_index_free(&index);
}

Test(index, forgets_what_was_removed_and_nothing_else)
{
    struct hec_index index = { 0 };
    for (int i = 0; i < N; i++) {
        make(i);
        cr_assert(hec_index_add(&index, &entries[i]));
    }
    for (int i = 0; i < N; i += 3) {
        hec_index_remove(&index, &entries[i]);
    }
    for (int i = 0; i < N; i++) {
        cr_assert_eq(find(&index, i), i % 3 == 0 ? NULL : &entries[i]);
    }
    hec_index_free(&index);
}

Test(index, keeps_chains_short)
{
    struct hec_index index = { 0 };
    size_t longest = 0;
    for (int i = 0; i < N; i++) {
        make(i);
        cr_assert(hec_index_add(&index, &entries[i]));
    }
    for (size_t b = 0; b < index.buckets; b++) {
        size_t length = 0;
        const struct hec_entity *entry =
            index.segments[b / HEC_INDEX_SEGMENT][b % HEC_INDEX_SEGMENT];
        for (; entry != NULL; entry = entry->next) {
            length++;
        }
        longest = length > longest ? length : longest;
    }
    cr_expect_lt(longest, 16u);
    hec_index_free(&index);
}

Test(index, answers_when_it_is_empty)
{
    struct hec_index index = { 0 };
    make(1);
    cr_expect_null(find(&index, 1));
    for (int stage = 0; stage < 3; stage++) {
        hec_index_prefetch(&index, 1, stage);
    }
    cr_expect_eq(hec_index_bytes(&index), 0u);
    hec_index_free(&index);
}
