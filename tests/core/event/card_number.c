/* Card numbers: found in every dress, at every place, and not seen where there is none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "event/text.h"
#include "hecate/random.h"

static bool looks(const char *text)
{
    return hec_looks_like_card_number(text, strlen(text));
}

static bool source(const char *text)
{
    return hec_source_has_card_number(text, strlen(text));
}

/* The plain rule over a string of digits. */
static bool passes_luhn(const char *digits, int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++) {
        int digit = digits[count - 1 - i] - '0';
        digit = i % 2 == 0 ? digit : 2 * digit;
        sum += digit / 10 + digit % 10;
    }
    return sum % 10 == 0;
}

Test(card_number, finds_the_numbers_that_issuers_publish_for_tests)
{
    cr_expect(looks("4111111111111111"));
    cr_expect(looks("4222222222222")); /* 13 */
    cr_expect(looks("378282246310005"));
    cr_expect(looks("30569309025904"));
    cr_expect(looks("6011000990139424"));
    cr_expect(looks("4111 1111 1111 1111"));
    cr_expect(looks("4111-1111-1111-1111"));
    cr_expect(looks("3782 822463 10005"));
    cr_expect(looks("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"));
    cr_expect(looks("c4111111111111111"));
    cr_expect(looks("cc4111111111111111"));
    cr_expect(looks("paid with 4111111111111111, thanks"));
    cr_expect(looks("2025-01-06 4111 1111 1111 1111 123"));
    cr_expect(looks("12 4111111111111111"));
    cr_expect(looks("10 20 30 3782 822463 10005 7"));
}

Test(card_number, sees_none_where_a_digit_is_wrong_or_the_run_is_broken)
{
    cr_expect_not(looks("4111111111111112"));
    cr_expect_not(looks("411111111111"));         /* 12 */
    cr_expect_not(looks("41111111111111111111")); /* 20 */
    cr_expect_not(looks("4111  1111 1111 1111")); /* two spaces end a run */
    cr_expect_not(looks("4111/1111/1111/1111"));
    cr_expect_not(looks("4111a1111b1111c1111"));
    cr_expect_not(looks(""));
    cr_expect_not(looks("                    "));
    cr_expect_not(looks("--------------------"));
}

Test(card_number, agrees_with_the_plain_rule_on_random_digits_of_every_length)
{
    struct hec_random random = hec_random_at(5, 0);
    for (int n = 0; n < 40000; n++) {
        int count = 10 + (int)hec_random_below(&random, 12);
        char digits[32];
        for (int i = 0; i < count; i++) {
            digits[i] = (char)('0' + hec_random_below(&random, 10));
        }
        bool expected = count >= 13 && count <= 19 && passes_luhn(digits, count);
        cr_assert_eq(hec_looks_like_card_number(digits, (size_t)count), expected, "seed 5, run %d",
                     n);
    }
}

/* Every place, so that no stride and no border hides one. */
Test(card_number, finds_a_number_at_every_place_of_a_text_and_reads_nothing_beyond)
{
    static const char NUMBER[] = "4222222222222";
    for (size_t before = 0; before < 40; before++) {
        for (size_t after = 0; after < 40; after += 3) {
            char text[128];
            size_t length = before + 13 + after;
            memset(text, 'x', length);
            memcpy(text + before, NUMBER, 13);
            memcpy(text + length, "00000", 5); /* beyond the end; would make the run longer */
            cr_assert(hec_looks_like_card_number(text, length), "%zu, %zu", before, after);
            text[before + 6] = 'x';
            cr_assert_not(hec_looks_like_card_number(text, length));
        }
    }
}

Test(card_number, finds_one_behind_more_groups_than_it_holds_at_once)
{
    char text[400] = "";
    for (int i = 0; i < 29; i++) {
        strcat(text, "7 ");
    }
    strcat(text, "4111 1111 1111 1111");
    cr_expect(looks(text));
}

Test(card_number, lets_digests_and_uuids_pass_but_not_a_number_with_a_letter_before_it)
{
    cr_expect_not(looks("ab4111111111111111000000")); /* 24 hexadecimal digits, two letters */
    cr_expect_not(looks("550e8400-e29b-41d4-a716-422222222222"));
    cr_expect_not(looks("ab42222222222222")); /* 16 digits, two letters: no word has both */
    cr_expect(looks("a4222222222222"));       /* no length of a digest */
    cr_expect(looks("a378282246310005"));     /* 16, but one letter */
    cr_expect(looks("x4222222222222"));       /* no hexadecimal */
}

/* Without the rule for digests one in 600 of these would be refused. */
Test(card_number, refuses_next_to_no_random_digest)
{
    struct hec_random random = hec_random_at(6, 0);
    int refused = 0;
    for (int n = 0; n < 20000; n++) {
        char text[65];
        for (int i = 0; i < 8; i++) {
            snprintf(text + 8 * i, 9, "%08x", hec_random_bits(&random));
        }
        refused += hec_looks_like_card_number(text, 64) || hec_looks_like_card_number(text, 32);
    }
    cr_expect_eq(refused, 0);
}

Test(card_number, lets_times_and_fractions_pass_in_source_only)
{
    cr_expect(passes_luhn("1736121620007", 13));
    cr_expect(looks("1736121620007"));
    cr_expect_not(source("{\"event_time_ms\":1736121620007,"));
    cr_expect(source("{\"x\":\"4222222222222\""));
    cr_expect(source("{\"pan\":4111111111111111"));
    cr_expect_not(source("51.4111111111111111"));
    cr_expect(source("x.4111111111111111"));
}
