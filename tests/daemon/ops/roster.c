/* The roster: lines are understood or refused with a reason, the file holds what was put on, and
 * engines look up what both sources say. */
#include "ops/roster.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct hec_roster *roster;
static struct hec_roster_entry entry;
static struct hec_error error;

static void setup(void)
{
    cr_assert_eq(hec_roster_new(&roster), HEC_OK);
}

static void teardown(void)
{
    hec_roster_free(roster);
}

TestSuite(roster, .init = setup, .fini = teardown);

static enum hec_status understand(const char *json)
{
    return hec_roster_understand(&entry, json, strlen(json), &error);
}

static void put(struct hec_roster *on, const char *list, const char *token)
{
    char json[200];
    snprintf(json, sizeof(json), "{\"list\":\"%s\",\"kind\":\"card\",\"token\":\"%s\"}", list,
             token);
    cr_assert_eq(understand(json), HEC_OK, "%s", error.text);
    cr_assert_eq(hec_roster_put(on, &entry), HEC_OK);
}

Test(roster, understands_a_line)
{
    cr_assert_eq(understand("{\"list\":\"deny\",\"kind\":\"card\",\"token\":\"c_8f\",\"reason\":"
                            "\"stolen\",\"outcome\":\"review\",\"until_ms\":17,\"actor\":\"ann\","
                            "\"at_ms\":5,\"more\":1}"),
                 HEC_OK);
    cr_expect_str_eq(entry.key, "card:c_8f");
    cr_expect(entry.entry.deny && entry.entry.action == HEC_ACTION_REVIEW);
    cr_expect(entry.entry.until_ms == 17 && entry.at_ms == 5);
    cr_expect_str_eq(entry.reason, "stolen");
    cr_expect_str_eq(entry.actor, "ann");
    cr_assert_eq(understand("{\"list\":\"deny\",\"kind\":\"ip\",\"token\":\"1.2.3.4\"}"), HEC_OK);
    cr_expect_eq(entry.entry.action, HEC_ACTION_BLOCK);
    cr_assert_eq(understand("{\"list\":\"allow\",\"kind\":\"ip\",\"token\":\"1\"}"), HEC_OK);
    cr_expect(!entry.entry.deny && entry.entry.action == HEC_ACTION_ALLOW);
}

Test(roster, refuses_what_it_does_not_understand)
{
    cr_expect_eq(understand(""), HEC_INVALID);
    cr_expect_eq(understand("[]"), HEC_INVALID);
    cr_expect_eq(understand("{\"list\":\"maybe\",\"kind\":\"card\",\"token\":\"c\"}"), HEC_INVALID);
    cr_expect_eq(understand("{\"list\":\"deny\",\"kind\":\"cart\",\"token\":\"c\"}"), HEC_INVALID);
    cr_expect_eq(understand("{\"list\":\"deny\",\"kind\":\"card\"}"), HEC_INVALID);
    cr_expect_eq(understand("{\"list\":\"deny\",\"kind\":\"card\",\"token\":7}"), HEC_INVALID);
    cr_expect_eq(understand("{\"list\":\"deny\",\"kind\":\"card\",\"token\":\"c\",\"outcome\":"
                            "\"jail\"}"),
                 HEC_INVALID);
    cr_expect_eq(
        understand("{\"list\":\"deny\",\"kind\":\"card\",\"token\":\"c\",\"until_ms\":-1}"),
        HEC_INVALID);
}

Test(roster, holds_no_card_number)
{
    static const char *const HELD[] = {
        "{\"list\":\"deny\",\"kind\":\"card\",\"token\":\"4111111111111111\"}",
        "{\"list\":\"deny\",\"kind\":\"card\",\"token\":\"4111 1111-1111 1111\"}",
        "{\"list\":\"allow\",\"kind\":\"user\",\"token\":\"u_4222222222222\"}",
        "{\"list\":\"deny\",\"kind\":\"ip\",\"token\":\"1\",\"reason\":\"by 5500005555555559\"}",
        "{\"list\":\"deny\",\"kind\":\"ip\",\"token\":\"1\",\"actor\":\"340000000000009\"}",
    };
    for (size_t i = 0; i < sizeof(HELD) / sizeof(*HELD); i++) {
        cr_expect_eq(understand(HELD[i]), HEC_CARD_NUMBER, "%s", HELD[i]);
        cr_expect_eq(strcspn(error.text, "0123456789"), strlen(error.text), "it repeats: %s",
                     error.text);
    }
    /* Sixteen digits that fail the check are a token like any other. */
    cr_expect_eq(understand("{\"list\":\"deny\",\"kind\":\"card\",\"token\":\"4111111111111112\"}"),
                 HEC_OK);
}

Test(roster, keeps_one_entry_an_entity_and_counts_each_list)
{
    put(roster, "deny", "a");
    put(roster, "deny", "b");
    put(roster, "allow", "a");
    cr_expect_eq(hec_roster_count(roster, true), 1);
    cr_expect_eq(hec_roster_count(roster, false), 1);
    cr_expect_not(hec_roster_find(roster, "card:a")->entry.deny);
    cr_expect(hec_roster_remove(roster, "card:a"));
    cr_expect_not(hec_roster_remove(roster, "card:a"));
    cr_expect_null(hec_roster_find(roster, "card:a"));
    cr_expect_eq(hec_roster_count(roster, false), 0);
}

static void name(void *context, const struct hec_roster_entry *seen)
{
    strcat(context, seen->key);
    strcat(context, " ");
}

static void start_anew(void)
{
    teardown();
    setup();
}

Test(roster, comes_back_from_its_file_as_it_was)
{
    char path[] = "/tmp/hecate-roster-XXXXXX", seen[200] = "";
    close(mkstemp(path));
    put(roster, "deny", "z");
    put(roster, "allow", "a\\\"b");
    cr_assert_eq(hec_roster_save(roster, path, &error), HEC_OK, "%s", error.text);
    start_anew();
    cr_assert_eq(hec_roster_load(roster, path, &error), HEC_OK, "%s", error.text);
    hec_roster_each(roster, name, seen);
    cr_expect_str_eq(seen, "card:a\"b card:z ");
    FILE *file = fopen(path, "a");
    fputs("# a remark\n\n{\"list\":\"deny\"}\n", file);
    fclose(file);
    cr_expect_eq(hec_roster_load(roster, path, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, ":5: "), "%s", error.text);
    unlink(path);
    start_anew();
    cr_expect_eq(hec_roster_load(roster, path, &error), HEC_OK,
                 "a file that is not there is empty");
    cr_expect_eq(hec_roster_save(roster, "/no/such/folder/lists", &error), HEC_NOT_FOUND);
}

Test(roster, lets_the_topic_count_more_than_the_file)
{
    struct hec_roster *topic;
    struct hec_lists *lists;
    cr_assert_eq(hec_roster_new(&topic), HEC_OK);
    put(roster, "deny", "a");
    put(roster, "deny", "b");
    put(topic, "allow", "a");
    cr_assert_eq(hec_roster_lists(&lists, roster, topic), HEC_OK);
    struct hec_event event = { .present = UINT64_C(1) << HEC_F_CARD_TOKEN };
    event.value[HEC_F_CARD_TOKEN].text = hec_text_of("a");
    cr_expect_not(hec_lists_find(lists, &event)->deny);
    event.value[HEC_F_CARD_TOKEN].text = hec_text_of("b");
    cr_expect(hec_lists_find(lists, &event)->deny);
    hec_lists_free(lists);
    hec_roster_free(topic);
}
