/* Whose a partition is: what a group's leader wrote, read byte by byte, also when it is damaged. */
#include "kafka/owners.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Version 1; topic "other" with partitions 7, 8; topic "in" with 0 and 3; no user data. */
static const unsigned char ASSIGNMENT[] = {
    0, 1, 0,   0,   0,   2,                                                  /* version, topics */
    0, 5, 'o', 't', 'h', 'e', 'r', 0, 0, 0, 2, 0, 0, 0, 7, 0, 0,    0,    8, /* other */
    0, 2, 'i', 'n', 0,   0,   0,   2, 0, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff,
};

Test(owners, reads_the_partitions_of_one_topic)
{
    cr_expect(hec_owners_has(ASSIGNMENT, sizeof(ASSIGNMENT), "in", 0));
    cr_expect(hec_owners_has(ASSIGNMENT, sizeof(ASSIGNMENT), "in", 3));
    cr_expect(hec_owners_has(ASSIGNMENT, sizeof(ASSIGNMENT), "other", 8));
    cr_expect_not(hec_owners_has(ASSIGNMENT, sizeof(ASSIGNMENT), "in", 7));
    cr_expect_not(hec_owners_has(ASSIGNMENT, sizeof(ASSIGNMENT), "other", 3));
    cr_expect_not(hec_owners_has(ASSIGNMENT, sizeof(ASSIGNMENT), "inn", 0));
    cr_expect_not(hec_owners_has(ASSIGNMENT, sizeof(ASSIGNMENT), "i", 0));
    cr_expect_not(hec_owners_has(NULL, 0, "in", 0));
}

/* In memory of exactly that size, so that a sanitizer sees a byte too far. */
Test(owners, finds_nothing_beyond_the_end_of_cut_or_boastful_bytes)
{
    for (size_t length = 1; length < 33; length++) {
        unsigned char *cut = malloc(length);
        memcpy(cut, ASSIGNMENT, length);
        cr_expect_not(hec_owners_has(cut, length, "in", 3), "of %zu bytes", length);
        memset(cut, 0xff, length);
        cr_expect_not(hec_owners_has(cut, length, "in", 3));
        free(cut);
    }
}
