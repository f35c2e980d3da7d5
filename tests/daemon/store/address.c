/* Addresses: a socket or a host, and no plain text to another machine by accident. */
#include <criterion/criterion.h>

#include "store/backend.h"

static enum hec_status read(const char *text, bool remote, struct hec_address *address)
{
    struct hec_error error = { 0 };
    struct hec_store_options options = { .address = text, .allow_remote_plain = remote };
    enum hec_status status = hec_address_read(address, &options, &error);
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
