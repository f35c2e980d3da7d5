/*
 * Where a Redis is, as text.
 */
#include <stdlib.h>
#include <string.h>

#include "store/backend.h"

static bool is_this_host(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

static enum hec_status read_tcp(struct hec_address *ret, const char *address,
                                struct hec_error *error)
{
    const char *from = address + 4;
    const char *colon = strrchr(from, ':');
    if (colon == NULL || colon == from) {
        return hec_fail(error, HEC_INVALID, "redis: address %s: write tcp:host:port", address);
    }
    char *end;
    long port = strtol(colon + 1, &end, 10);
    if (*end != '\0' || end == colon + 1 || port < 1 || port > 65535) {
        return hec_fail(error, HEC_INVALID, "redis: address %s has no port 1 .. 65535", address);
    }
    size_t length = (size_t)(colon - from);
    if (from[0] == '[' && length > 2 && from[length - 1] == ']') {
        from++;
        length -= 2;
    }
    ret->host = strndup(from, length);
    ret->port = (int)port;
    return ret->host == NULL ? HEC_NO_MEMORY : HEC_OK;
}

enum hec_status hec_address_read(struct hec_address *ret, const struct hec_store_options *options,
                                 struct hec_error *error)
{
    const char *address = options->address;
    *ret = (struct hec_address){ 0 };
    if (strncmp(address, "unix:/", 6) == 0) {
        ret->path = strdup(address + 5);
        return ret->path == NULL ? HEC_NO_MEMORY : HEC_OK;
    }
    if (strncmp(address, "tcp:", 4) != 0) {
        return hec_fail(error, HEC_INVALID,
                        "redis: address %s cannot be read: write unix:/path or tcp:host:port",
                        address);
    }
    enum hec_status status = read_tcp(ret, address, error);
    if (status == HEC_OK && !is_this_host(ret->host) && !options->allow_remote_plain) {
        status = hec_fail(error, HEC_INVALID,
                          "redis: %s is another host and the connection would be plain text: use "
                          "a Unix socket or a local TLS tunnel, or set allow_remote_plain",
                          ret->host);
    }
    if (status != HEC_OK) {
        hec_address_free(ret);
    }
    return status;
}

void hec_address_free(struct hec_address *address)
{
    free(address->path);
    free(address->host);
    *address = (struct hec_address){ 0 };
}
