/* Whose a partition is: what a group's leader wrote, read byte by byte, also when it is damaged. */
#include "kafka/owners.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/handle.h"

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

static struct rd_kafka_group_member_info member = {
    .member_id = "one-0-01234567-89ab-cdef-0123-456789abcdef",
    .client_host = "/10.0.0.1",
    .member_assignment = (void *)ASSIGNMENT,
    .member_assignment_size = sizeof(ASSIGNMENT),
};

Test(owners, takes_nobody_for_an_answer_only_from_a_group_that_stands_still)
{
    struct hec_owner owner;
    struct rd_kafka_group_info group = { .state = "Stable", .members = &member, .member_cnt = 1 };
    cr_expect_eq(hec_owners_among(&group, "in", 3, &owner), HEC_OK);
    cr_expect_str_eq(owner.instance, "one-0");
    cr_expect_str_eq(owner.host, "10.0.0.1");
    cr_expect_eq(hec_owners_among(&group, "in", 7, &owner), HEC_NOT_FOUND);
    group.state = "CompletingRebalance";
    cr_expect_eq(hec_owners_among(&group, "in", 3, &owner), HEC_OK);
    cr_expect_eq(hec_owners_among(&group, "in", 7, &owner), HEC_UNAVAILABLE);
    group.member_cnt = 0;
    group.state = "Empty";
    cr_expect_eq(hec_owners_among(&group, "in", 3, &owner), HEC_NOT_FOUND);
}

/* Not all brokers answered: what the coordinator told is whole, and its silence says nothing. */
Test(owners, takes_a_part_of_the_brokers_answers_for_what_it_is)
{
    struct rd_kafka_group_info group = { .state = "Stable", .members = &member, .member_cnt = 1 };
    struct rd_kafka_group_list list = { &group, 1 }, none = { NULL, 0 };
    const struct rd_kafka_group_info *found;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    cr_expect_eq(hec_kafka_group_of(&found, &list, &code), HEC_OK);
    cr_expect_eq(found, &group);
    cr_expect_eq(hec_kafka_group_of(&found, &none, &code), HEC_NOT_FOUND);
    code = RD_KAFKA_RESP_ERR__PARTIAL;
    cr_expect_eq(hec_kafka_group_of(&found, &list, &code), HEC_OK);
    cr_expect_eq(found, &group);
    code = RD_KAFKA_RESP_ERR__PARTIAL;
    cr_expect_eq(hec_kafka_group_of(&found, &none, &code), HEC_UNAVAILABLE);
    group.err = RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
    code = RD_KAFKA_RESP_ERR_NO_ERROR;
    cr_expect_eq(hec_kafka_group_of(&found, &list, &code), HEC_UNAVAILABLE);
    cr_expect_eq(code, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    code = RD_KAFKA_RESP_ERR__TRANSPORT;
    cr_expect_eq(hec_kafka_group_of(&found, NULL, &code), HEC_UNAVAILABLE);
}
