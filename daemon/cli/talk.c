#include "cli/talk.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ops/config.h"

#define ANSWER_S 60

/* --socket, else what --config says, else where a package puts it. A mistake elsewhere in the
 * settings is the daemon's to tell, as long as they name the socket: without that the default one
 * could be another daemon's. */
static bool find_socket(const struct hec_arguments *arguments, char *path, size_t bytes)
{
    const char *given = hec_text_or(arguments, "socket", NULL);
    const char *file = hec_text_or(arguments, "config", NULL);
    snprintf(path, bytes, "%s", given == NULL ? HEC_SOCKET_PATH : given);
    if (given != NULL || file == NULL) {
        return true;
    }
    struct hec_problems *problems = calloc(1, sizeof(*problems));
    struct hec_config *config = hec_config_new();
    bool good = false;
    if (problems != NULL && config != NULL) {
        config->keep_references = true; /* the socket is no secret */
        char origin[HEC_CONFIG_TEXT_MAX];
        good = hec_config_load(config, file, problems) == HEC_OK;
        hec_config_origin(config, "admin.socket", origin, sizeof(origin));
        good = good || strcmp(origin, "default") != 0;
        for (int i = 0; i < problems->count && !good; i++) {
            fprintf(stderr, "%s\n", problems->rows[i].text);
        }
        if (!good) {
            fprintf(stderr,
                    "hecate %s: %s does not say which daemon is meant; --socket PATH does\n",
                    arguments->command->name, file);
        }
        snprintf(path, bytes, "%s", config->admin.socket);
    }
    hec_config_free(config);
    free(problems);
    return good;
}

/* Returns a connected socket, or -1 after telling why not. */
static int dial(const struct hec_arguments *arguments)
{
    char path[HEC_CONFIG_TEXT_MAX];
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (!find_socket(arguments, path, sizeof(path))) {
        return -1;
    }
    if (strlen(path) >= sizeof(address.sun_path)) {
        fprintf(stderr, "hecate %s: %s: a socket's path has at most %zu bytes\n",
                arguments->command->name, path, sizeof(address.sun_path) - 1);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = { .tv_sec = ANSWER_S };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        int number = errno;
        fprintf(stderr, "hecate %s: no hecated answers at %s: %s%s\n", arguments->command->name,
                path, strerror(number),
                number == EACCES ? "; you need the right to open that file"
                                 : "; is it running? --socket PATH or --config FILE say where");
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

static bool send_request(int fd, const char *method, const char *path, const char *body,
                         const char *version)
{
    size_t length = body == NULL ? 0 : strlen(body);
    char head[2048];
    int used = snprintf(head, sizeof(head),
                        "%s %s HTTP/%s\r\nHost: hecated\r\nConnection: close\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        method, path, version, length);
    return used < (int)sizeof(head) && send(fd, head, (size_t)used, MSG_NOSIGNAL) == used &&
           (length == 0 || send(fd, body, length, MSG_NOSIGNAL) == (ssize_t)length);
}

static char *read_all(int fd, size_t *length)
{
    size_t room = 65536;
    char *text = malloc(room);
    *length = 0;
    while (text != NULL) {
        ssize_t got = recv(fd, text + *length, room - *length - 1, 0);
        if (got <= 0) {
            text[*length] = '\0';
            return text;
        }
        *length += (size_t)got;
        if (room - *length < 2) {
            room *= 2;
            char *larger = realloc(text, room);
            if (larger == NULL) {
                free(text);
            }
            text = larger;
        }
    }
    return NULL;
}

static bool understand(struct hec_answer *answer)
{
    char *body = answer->text == NULL ? NULL : strstr(answer->text, "\r\n\r\n");
    if (body == NULL || strncmp(answer->text, "HTTP/1.", 7) != 0) {
        return false;
    }
    answer->code = atoi(answer->text + 9);
    answer->length -= (size_t)(body + 4 - answer->text);
    memmove(answer->text, body + 4, answer->length + 1);
    answer->doc = yyjson_read(answer->text, answer->length, YYJSON_READ_NOFLAG);
    answer->root = yyjson_doc_get_root(answer->doc);
    return answer->root != NULL;
}

int hec_talk(const struct hec_arguments *arguments, const char *method, const char *path,
             const char *body, struct hec_answer *answer)
{
    *answer = (struct hec_answer){ 0 };
    int fd = dial(arguments);
    if (fd < 0) {
        return HEC_EXIT_UNREACHABLE;
    }
    bool sent = send_request(fd, method, path, body, "1.1");
    answer->text = sent ? read_all(fd, &answer->length) : NULL;
    close(fd);
    if (!understand(answer)) {
        fprintf(stderr, "hecate %s: hecated gave no answer that can be understood\n",
                arguments->command->name);
        hec_answer_free(answer);
        return HEC_EXIT_UNREACHABLE;
    }
    if (answer->code >= 400) {
        fprintf(stderr, "hecate %s: %s\n", arguments->command->name,
                hec_member_text(answer->root, "detail"));
        size_t index, max;
        yyjson_val *one, *errors = yyjson_obj_get(answer->root, "errors");
        yyjson_arr_foreach(errors, index, max, one)
        {
            fprintf(stderr, "  %s\n", yyjson_get_str(one));
        }
        hec_answer_free(answer);
        return HEC_EXIT_FAILURE;
    }
    return HEC_EXIT_OK;
}

int hec_talk_post(const struct hec_arguments *arguments, const char *path, yyjson_mut_doc *doc,
                  struct hec_answer *answer)
{
    char *body = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
    yyjson_mut_doc_free(doc);
    int status = hec_talk(arguments, "POST", path, body, answer);
    free(body);
    return status;
}

int hec_answer_show(const struct hec_arguments *arguments, int status, struct hec_answer *answer,
                    void (*print)(yyjson_val *root))
{
    if (status == HEC_EXIT_OK && hec_given(arguments, "json")) {
        fwrite(answer->text, 1, answer->length, stdout);
    } else if (status == HEC_EXIT_OK && print != NULL) {
        print(answer->root);
    }
    hec_answer_free(answer);
    return status;
}

yyjson_mut_doc *hec_talk_entity(const char *entity)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    size_t kind = strcspn(entity, ":");
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_strn(doc, root, "kind", entity, kind);
    yyjson_mut_obj_add_str(doc, root, "token", entity[kind] == ':' ? entity + kind + 1 : "");
    return doc;
}

void hec_answer_free(struct hec_answer *answer)
{
    yyjson_doc_free(answer->doc);
    free(answer->text);
    *answer = (struct hec_answer){ 0 };
}

/* An answer to HTTP/1.0 has no chunks: after the head come lines, until somebody goes. */
FILE *hec_talk_stream(const struct hec_arguments *arguments, const char *path)
{
    char line[512] = "";
    int fd = dial(arguments);
    if (fd < 0) {
        return NULL;
    }
    bool sent = send_request(fd, "GET", path, NULL, "1.0");
    FILE *stream = fdopen(fd, "r");
    if (stream == NULL) {
        close(fd);
        return NULL;
    }
    bool good = sent && fgets(line, sizeof(line), stream) != NULL && strstr(line, " 200 ") != NULL;
    while (good && strcmp(line, "\r\n") != 0) {
        good = fgets(line, sizeof(line), stream) != NULL;
    }
    if (!good) {
        fprintf(stderr, "hecate %s: hecated refuses the stream: %s\n", arguments->command->name,
                line);
        fclose(stream);
        return NULL;
    }
    return stream;
}

void hec_talk_encode(char *encoded, size_t bytes, const char *text)
{
    static const char PLAIN[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
    size_t used = 0;
    for (; *text != '\0' && used + 4 < bytes; text++) {
        if (strchr(PLAIN, *text) != NULL) {
            encoded[used++] = *text;
        } else {
            used += (size_t)snprintf(encoded + used, bytes - used, "%%%02X", (unsigned char)*text);
        }
    }
    encoded[used] = '\0';
}

const char *hec_member_text(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));
    return text == NULL ? "" : text;
}

int64_t hec_member_integer(yyjson_val *object, const char *name)
{
    return yyjson_get_sint(yyjson_obj_get(object, name));
}

/* C0, DEL, and C1, which is two bytes long. */
static bool steers(const unsigned char *at)
{
    return at[0] < ' ' || at[0] == 0x7f || (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);
}

/* At most so many columns; returns how many there were. */
static int print_up_to(const char *text, int most)
{
    int printed = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool goes_on = (*at & 0xc0) == 0x80;
        if (!goes_on && printed == most) {
            break;
        }
        putchar(steers(at) ? '?' : *at);
        at += steers(at) && *at == 0xc2;
        printed += !goes_on;
    }
    return printed;
}

static void fill(int printed, int columns)
{
    for (; printed < columns; printed++) {
        putchar(' ');
    }
}

void hec_print_plain(const char *text, int columns)
{
    fill(print_up_to(text, columns == 0 ? INT_MAX : columns), columns);
}

void hec_print_whole(const char *text, int columns)
{
    fill(print_up_to(text, INT_MAX), columns);
}

int64_t hec_talk_duration_s(const char *text)
{
    static const struct {
        char unit;
        int64_t s;
    } UNITS[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    char *end;
    long long number = strtoll(text, &end, 10);
    for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
        if (end[0] == UNITS[i].unit && end[1] == '\0' && number > 0 && number < 1000000) {
            return number * UNITS[i].s;
        }
    }
    return 0;
}
