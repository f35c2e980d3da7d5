/* Watermarks as text: readable, exact both ways, and nothing else is taken for one. */
#include "store/watermark.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static const struct hec_watermark SAMPLE = { .offset = 1234567890123,
                                             .epoch = 18446744073709551615u,
                                             .generation = 4294967295u,
                                             .partitions = 1024,
                                             .state_digest = 0x00ff00ff00ff00ffu,
                                             .history_from = 17,
                                             .cluster_id = "4L6g3nShT-eMCtK--X86sw" };

Test(watermark, comes_back_as_it_was)
{
    char text[HEC_WATERMARK_BYTES_MAX];
    struct hec_watermark back;
    int length = hec_watermark_print(text, &SAMPLE);
    static const char LINE[] = "offset=1234567890123 epoch=18446744073709551615 "
                               "generation=4294967295 partitions=1024 state=00ff00ff00ff00ff "
                               "history_from=17 cluster=4L6g3nShT-eMCtK--X86sw check=";
    cr_expect_eq(strncmp(text, LINE, strlen(LINE)), 0, "%s", text);
    cr_expect_eq((size_t)length, strlen(LINE) + 16);
    cr_assert(hec_watermark_parse(&back, (struct hec_view){ text, (size_t)length }));
    cr_expect_eq(memcmp(&back, &SAMPLE, sizeof(back)), 0);
}

Test(watermark, may_have_no_cluster)
{
    char text[HEC_WATERMARK_BYTES_MAX];
    struct hec_watermark back;
    struct hec_watermark empty = { 0 };
    int length = hec_watermark_print(text, &empty);
    cr_assert(hec_watermark_parse(&back, (struct hec_view){ text, (size_t)length }));
    cr_expect_str_eq(back.cluster_id, "");
}

Test(watermark, refuses_every_line_that_was_cut_or_made_longer)
{
    char text[HEC_WATERMARK_BYTES_MAX + 1];
    struct hec_watermark back;
    size_t whole = (size_t)hec_watermark_print(text, &SAMPLE);
    for (size_t length = 0; length < whole; length++) {
        cr_expect_not(hec_watermark_parse(&back, (struct hec_view){ text, length }), "%zu", length);
    }
    text[whole] = ' ';
    cr_expect_not(hec_watermark_parse(&back, (struct hec_view){ text, whole + 1 }));
    cr_expect_not(hec_watermark_parse(&back, (struct hec_view){ NULL, 0 }));
    memset(text, 'x', sizeof(text));
    cr_expect_not(hec_watermark_parse(&back, (struct hec_view){ text, sizeof(text) }));
}

/* One digit would move the state to another place of the log, one letter to another cluster. */
Test(watermark, refuses_every_line_in_which_a_bit_turned_over)
{
    char text[HEC_WATERMARK_BYTES_MAX];
    struct hec_watermark back;
    size_t length = (size_t)hec_watermark_print(text, &SAMPLE);
    for (size_t i = 0; i < 8 * length; i++) {
        text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
        cr_expect_not(hec_watermark_parse(&back, (struct hec_view){ text, length }), "bit %zu", i);
        text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
    }
    cr_expect(hec_watermark_parse(&back, (struct hec_view){ text, length }));
}

/* With a checksum that is right, so that it is the numbers that are refused. */
static struct hec_view checked(char text[HEC_WATERMARK_BYTES_MAX], const char *line)
{
    int length = snprintf(text, HEC_WATERMARK_BYTES_MAX, "%s", line);
    length += snprintf(text + length, HEC_WATERMARK_BYTES_MAX - (size_t)length,
                       " check=%016" PRIx64, (uint64_t)XXH3_64bits(text, (size_t)length));
    return (struct hec_view){ text, (size_t)length };
}

Test(watermark, refuses_numbers_that_are_not_ours)
{
    char text[HEC_WATERMARK_BYTES_MAX];
    static const char *const LINES[] = {
        "offset=-1 epoch=1 generation=1 partitions=1 state=0000000000000000 history_from=0 "
        "cluster=-",
        "offset=+1 epoch=1 generation=1 partitions=1 state=0000000000000000 history_from=0 "
        "cluster=-",
        "offset=01 epoch=1 generation=1 partitions=1 state=0000000000000000 history_from=0 "
        "cluster=-",
        "offset=1 epoch=1 generation=1 partitions=1 state=0 history_from=0 cluster=-",
        "offset=1 epoch=99999999999999999999999 generation=1 partitions=1 "
        "state=0000000000000000 history_from=0 cluster=-",
    };
    struct hec_watermark back;
    for (size_t i = 0; i < sizeof(LINES) / sizeof(*LINES); i++) {
        cr_expect_not(hec_watermark_parse(&back, checked(text, LINES[i])), "%s", LINES[i]);
    }
    cr_expect(hec_watermark_parse(&back, checked(text, "offset=1 epoch=1 generation=1 partitions=1 "
                                                       "state=0000000000000000 history_from=0 "
                                                       "cluster=-")));
}

Test(epoch, comes_back_as_it_was_or_is_absent)
{
    static const char *const BAD[] = { "",
                                       "x",
                                       "1",
                                       "1:",
                                       "1:0",
                                       "-1:0000000000000001",
                                       " 1:0000000000000001",
                                       "01:0000000000000001",
                                       "1:0000000000000001 ",
                                       "1:000000000000000X",
                                       "1234567890123456789012345:0000000000000001" };
    char text[HEC_EPOCH_BYTES_MAX];
    uint64_t epoch = 7, owner = 7;
    cr_expect(hec_epoch_parse(&epoch, &owner, (struct hec_view){ NULL, 0 }));
    cr_expect_eq(epoch, 0u);
    cr_expect_eq(owner, 0u);
    int length = hec_epoch_print(text, UINT64_MAX, 0xabc);
    cr_expect_str_eq(text, "18446744073709551615:0000000000000abc");
    cr_expect(hec_epoch_parse(&epoch, &owner, (struct hec_view){ text, (size_t)length }));
    cr_expect_eq(epoch, UINT64_MAX);
    cr_expect_eq(owner, 0xabcu);
    for (size_t i = 0; i < sizeof(BAD) / sizeof(*BAD); i++) {
        struct hec_view bad = { BAD[i], strlen(BAD[i]) };
        cr_expect_not(hec_epoch_parse(&epoch, &owner, bad), "'%s'", BAD[i]);
    }
}

static enum hec_status compare(uint64_t epoch, uint64_t owner, const char *stored)
{
    struct hec_view view = { stored, stored == NULL ? 0 : strlen(stored) };
    return hec_epoch_compare(3, epoch, owner, view, NULL);
}

Test(epoch, is_ours_only_with_our_own_number_beside_it)
{
    cr_expect_eq(compare(5, 1, "5:0000000000000001"), HEC_OK);
    cr_expect_eq(compare(5, 1, "5:0000000000000002"), HEC_FENCED, "claimed in an emptied store");
    cr_expect_eq(compare(5, 0, "5:0000000000000002"), HEC_OK);
    cr_expect_eq(compare(5, 1, "6:0000000000000001"), HEC_FENCED);
    cr_expect_eq(compare(5, 1, "4:0000000000000001"), HEC_MISMATCH);
    cr_expect_eq(compare(5, 1, NULL), HEC_MISMATCH);
    cr_expect_eq(compare(5, 1, "five"), HEC_MISMATCH);
}
