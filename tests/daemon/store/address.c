/* Addresses: a socket or a host, and no plain text to another machine by accident. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "store/backend.h"

static enum hec_status read(const char *text, bool remote, struct hec_address *address)
{
    struct hec_error error = { 0 };
    enum hec_status status = hec_address_read(address, text, remote, &error);
    cr_expect(status == HEC_OK || strlen(error.text) > 0, "a refusal of %s says why", text);
    return status;
}

Test(address, is_the_path_of_a_socket)
{
    struct hec_address address;
    cr_assert_eq(read("unix:/run/redis/redis.sock", false, &address), HEC_OK);
    cr_expect_str_eq(address.path, "/run/redis/redis.sock");
    hec_address_free(&address);
}

Test(address, is_a_host_and_a_port)
{
    struct hec_address address;
    cr_assert_eq(read("tcp:127.0.0.1:6379", false, &address), HEC_OK);
    cr_expect_str_eq(address.host, "127.0.0.1");
    cr_expect_eq(address.port, 6379);
    hec_address_free(&address);
    cr_assert_eq(read("tcp:[::1]:65535", false, &address), HEC_OK);
    cr_expect_str_eq(address.host, "::1");
    cr_expect_eq(address.port, 65535);
    hec_address_free(&address);
}

Test(address, is_not_another_machine_unless_allowed)
{
    struct hec_address address;
    cr_expect_eq(read("tcp:redis.example:6379", false, &address), HEC_INVALID);
    cr_assert_eq(read("tcp:redis.example:6379", true, &address), HEC_OK);
    hec_address_free(&address);
}

Test(address, is_refused_when_it_cannot_be_read)
{
    static const char *const BAD[] = { "",
                                       "unix:",
                                       "unix:relative",
                                       "tcp:",
                                       "tcp:host",
                                       "tcp::1",
                                       "tcp:host:",
                                       "tcp:host:0",
                                       "tcp:host:65536",
                                       "tcp:host:1x",
                                       "redis://host:1",
                                       "127.0.0.1:6379" };
    struct hec_address address;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(*BAD); i++) {
        cr_expect_eq(read(BAD[i], true, &address), HEC_INVALID, "%s", BAD[i]);
    }
}

static enum hec_status read_list(const char *text, bool tls, struct hec_addresses *list)
{
    struct hec_error error = { 0 };
    struct hec_store_options options = { .address = text, .tls = tls };
    enum hec_status status = hec_addresses_read(list, &options, &error);
    cr_expect(status == HEC_OK || strlen(error.text) > 0, "a refusal of %s says why", text);
    return status;
}

Test(address, comes_in_lists)
{
    struct hec_addresses list;
    cr_assert_eq(read_list("tcp:127.0.0.1:1, unix:/run/redis.sock ,tcp:[::1]:3", false, &list),
                 HEC_OK);
    cr_assert_eq(list.count, 3);
    cr_expect_str_eq(list.list[0].text, "127.0.0.1:1");
    cr_expect_str_eq(list.list[1].path, "/run/redis.sock");
    cr_expect_str_eq(list.list[2].text, "[::1]:3");
    hec_addresses_free(&list);
    cr_assert_eq(read_list("tcp:redis.example:6379", true, &list), HEC_OK, "TLS is not plain");
    hec_addresses_free(&list);
    cr_expect_eq(read_list("tcp:127.0.0.1:1,", false, &list), HEC_INVALID);
    cr_expect_eq(read_list("tcp:127.0.0.1:1,,tcp:127.0.0.1:2", false, &list), HEC_INVALID);
    cr_expect_eq(read_list("tcp:127.0.0.1:1,tcp:redis.example:1", false, &list), HEC_INVALID);
    cr_expect_eq(read_list("unix:/1,unix:/2,unix:/3,unix:/4,unix:/5,unix:/6,unix:/7,unix:/8,"
                           "unix:/9,unix:/a,unix:/b,unix:/c,unix:/d,unix:/e,unix:/f,unix:/g,"
                           "unix:/h",
                           false, &list),
                 HEC_INVALID, "more than there is room for");
}

Test(address, that_is_too_long_is_told_so)
{
    char text[700];
    struct hec_error error = { 0 };
    struct hec_addresses list;
    struct hec_store_options options = { .address = text, .allow_remote_plain = true };
    static const struct {
        const char *begin;
        int letters;
        const char *what;
    } ROWS[] = {
        { "unix:/", 107, "the path of a socket has at most 107 bytes" },
        { "tcp:", 256, "a host name has at most 255 bytes" },
        { "tcp:", 600, "one of the list has at most 511 bytes" },
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        int used = snprintf(text, sizeof(text), "%s", ROWS[i].begin);
        memset(text + used, 'a', (size_t)ROWS[i].letters);
        snprintf(text + used + ROWS[i].letters, 5, "%s", ROWS[i].begin[0] == 't' ? ":1" : "");
        cr_expect_eq(hec_addresses_read(&list, &options, &error), HEC_INVALID);
        cr_expect_not_null(strstr(error.text, ROWS[i].what), "%s", error.text);
        cr_expect_not_null(strstr(error.text, ROWS[i].begin), "where: %s", error.text);
    }
    int used = snprintf(text, sizeof(text), "unix:/");
    memset(text + used, 'a', 106);
    text[used + 106] = '\0';
    cr_assert_eq(hec_addresses_read(&list, &options, &error), HEC_OK, "%s", error.text);
    hec_addresses_free(&list);
}
