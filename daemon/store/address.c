/*
 * Where a Redis is, as text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "store/backend.h"

static bool is_this_host(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

enum hec_status hec_address_make(struct hec_address *ret, const char *host, int port,
                                 bool allow_plain, struct hec_error *error)
{
    *ret = (struct hec_address){ .port = port };
    if (!is_this_host(host) && !allow_plain) {
        return hec_fail(error, HEC_INVALID,
                        "redis: %s is another host and the connection would be plain text: set "
                        "redis_tls, use a Unix socket or a local TLS tunnel, or set "
                        "allow_remote_plain",
                        host);
    }
    char text[300];
    snprintf(text, sizeof(text), strchr(host, ':') == NULL ? "%.255s:%d" : "[%.255s]:%d", host,
             port);
    ret->host = strdup(host);
    ret->text = strdup(text);
    if (ret->host == NULL || ret->text == NULL) {
        hec_address_free(ret);
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    return HEC_OK;
}

static enum hec_status too_long(const char *address, const char *what, size_t most,
                                struct hec_error *error)
{
    return hec_fail(error, HEC_INVALID,
                    "redis: address %.60s... is too long: %s has at most %zu bytes, use a shorter "
                    "one",
                    address, what, most);
}

static enum hec_status read_tcp(struct hec_address *ret, const char *address, bool allow_plain,
                                struct hec_error *error)
{
    char host[256];
    const char *from = address + 4;
    const char *colon = strrchr(from, ':');
    if (colon != NULL && (size_t)(colon - from) >= sizeof(host)) {
        return too_long(address, "a host name", sizeof(host) - 1, error);
    }
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
    snprintf(host, sizeof(host), "%.*s", (int)length, from);
    return hec_address_make(ret, host, (int)port, allow_plain, error);
}

enum hec_status hec_address_read(struct hec_address *ret, const char *text, bool allow_plain,
                                 struct hec_error *error)
{
    *ret = (struct hec_address){ 0 };
    if (strncmp(text, "tcp:", 4) == 0) {
        return read_tcp(ret, text, allow_plain, error);
    }
    if (strncmp(text, "unix:/", 6) != 0) {
        return hec_fail(error, HEC_INVALID,
                        "redis: address %s cannot be read: write unix:/path or tcp:host:port",
                        text);
    }
    if (strlen(text + 5) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        return too_long(text, "the path of a socket",
                        sizeof(((struct sockaddr_un *)0)->sun_path) - 1, error);
    }
    ret->path = strdup(text + 5);
    ret->text = strdup(text + 5);
    if (ret->path == NULL || ret->text == NULL) {
        hec_address_free(ret);
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    return HEC_OK;
}

void hec_address_free(struct hec_address *address)
{
    free(address->path);
    free(address->host);
    free(address->text);
    *address = (struct hec_address){ 0 };
}

enum hec_status hec_addresses_read(struct hec_addresses *ret,
                                   const struct hec_store_options *options, struct hec_error *error)
{
    const char *from = options->address;
    bool allow_plain = options->tls || options->allow_remote_plain;
    *ret = (struct hec_addresses){ 0 };
    for (bool more = true; more;) {
        char text[512];
        from += strspn(from, " ");
        size_t length = strcspn(from, ",");
        more = from[length] == ',';
        if (length >= sizeof(text)) {
            hec_addresses_free(ret);
            return too_long(from, "one of the list", sizeof(text) - 1, error);
        }
        if (ret->count == HEC_ADDRESSES_MAX) {
            hec_addresses_free(ret);
            return hec_fail(error, HEC_INVALID, "redis: at most %d addresses can be listed",
                            HEC_ADDRESSES_MAX);
        }
        snprintf(text, sizeof(text), "%.*s", (int)length, from);
        for (size_t end = length; end > 0 && text[end - 1] == ' '; end--) {
            text[end - 1] = '\0';
        }
        enum hec_status status = hec_address_read(&ret->list[ret->count], text, allow_plain, error);
        if (status != HEC_OK) {
            hec_addresses_free(ret);
            return status;
        }
        ret->count++;
        from += length + more;
    }
    return HEC_OK;
}

void hec_addresses_free(struct hec_addresses *addresses)
{
    for (int i = 0; i < addresses->count; i++) {
        hec_address_free(&addresses->list[i]);
    }
    addresses->count = 0;
}
