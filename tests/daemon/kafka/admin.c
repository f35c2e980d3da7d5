/* Questions before work begins: each answer that is not yes says what to do. */
#include "kafka/admin.h"

#include "cluster.h"

TestSuite(admin, .init = cluster_start, .fini = cluster_end);

Test(admin, tells_the_cluster_and_the_partitions_of_every_topic)
{
    char cluster[HEC_CLUSTER_ID_BYTES_MAX];
    struct hec_topic topics[] = { { .name = "in" }, { .name = "out" } };
    cr_assert_eq(hec_kafka_survey(&kafka, cluster, topics, 2, 5000, &error), HEC_OK, "%s",
                 error.text);
    cr_expect_eq(topics[0].partitions, PARTITIONS);
    cr_expect_eq(topics[1].partitions, PARTITIONS);
    cr_expect_gt(strlen(cluster), 0u);
    cr_expect_eq(hec_kafka_survey(&kafka, NULL, NULL, 0, 5000, &error), HEC_OK);
}

Test(admin, says_how_to_create_a_topic_that_is_missing)
{
    /* The embedded cluster of librdkafka 2.8 answers for such a topic what its own client cannot
     * read (a crash inside the library); tests/integration/refusals.sh asks a real broker. */
    if (strncmp(hec_kafka_version(), "2.0.", 4) != 0) {
        cr_skip_test("librdkafka %s cannot make up a missing topic", hec_kafka_version());
    }
    struct hec_topic topics[] = { { .name = "out" }, { .name = "in" } };
    hec_mock_topic_error(mock, "out", 3 /* UNKNOWN_TOPIC_OR_PART */);
    cr_assert_eq(hec_kafka_survey(&kafka, NULL, topics, 2, 5000, &error), HEC_NOT_FOUND);
    cr_expect_not_null(strstr(error.text, "topic out does not exist"), "%s", error.text);
    cr_expect_not_null(strstr(error.text, "--create --topic out"));
    cr_expect_eq(topics[0].partitions, 0);
    cr_expect_eq(topics[1].partitions, PARTITIONS, "the others are told all the same");

    hec_mock_topic_error(mock, "out", 29 /* TOPIC_AUTHORIZATION_FAILED */);
    cr_expect_eq(hec_kafka_survey(&kafka, NULL, topics, 2, 5000, &error), HEC_DENIED);
    cr_expect_not_null(strstr(error.text, "out"), "%s", error.text);
}

Test(admin, says_which_broker_does_not_answer)
{
    properties[0].value = "127.0.0.1:1";
    int64_t begun_ms = now_ms();
    cr_expect_eq(hec_kafka_survey(&kafka, NULL, NULL, 0, 700, &error), HEC_UNAVAILABLE);
    cr_expect_lt(now_ms() - begun_ms, 4000);
    cr_expect_not_null(strstr(error.text, "127.0.0.1:1"));
    cr_expect_not_null(strstr(error.text, "bootstrap.servers"));
}

Test(admin, refuses_a_property_that_the_library_does_not_know)
{
    set_property("no.such.property", "1");
    cr_expect_eq(hec_kafka_survey(&kafka, NULL, NULL, 0, 700, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "no.such.property"));
    kafka.properties_count = 0;
    cr_expect_eq(hec_kafka_survey(&kafka, NULL, NULL, 0, 700, &error), HEC_INVALID);
    cr_expect_not_null(strstr(error.text, "bootstrap.servers"));
}
