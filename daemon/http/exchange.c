/*
 * From a request to an exchange, and back to an answer.
 */
#define _GNU_SOURCE /* struct ucred */
#include "http/exchange.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/inside.h"
#include "ops/log.h"

struct exchange {
    struct hec_exchange face; /* first: what others hold */
    struct hec_http *http;
    enum hec_side side;
    struct evhttp_request *request; /* NULL: the client has gone */
    struct evkeyvalq query;
    char *decoded[HEC_PATH_PARTS_MAX];
    char *body;
    struct hec_parcel parcel; /* the way back */
    int code;
    char *answer;
    size_t answer_length;
};

static const char *const METHOD_NAMES[HEC_METHODS] = {
#define ROW(enumerator, name) [HEC_METHOD_##enumerator] = name,
    HEC_METHOD_TABLE(ROW)
#undef ROW
};

const char *hec_method_name(enum hec_method method)
{
    return METHOD_NAMES[method];
}

const char *hec_exchange_query(const struct hec_exchange *exchange, const char *name)
{
    for (int i = 0; i < exchange->query_count; i++) {
        if (strcmp(exchange->query[i].name, name) == 0) {
            return exchange->query[i].value;
        }
    }
    return NULL;
}

static void free_exchange(struct exchange *exchange)
{
    if (exchange->query.tqh_last != NULL) {
        evhttp_clear_headers(&exchange->query);
    }
    for (int i = 0; i < HEC_PATH_PARTS_MAX; i++) {
        free(exchange->decoded[i]);
    }
    free(exchange->body);
    free(exchange->answer);
    free(exchange);
}

/* ---- In -------------------------------------------------------------------------------------- */

static bool take_method(struct exchange *exchange, struct evhttp_request *request)
{
    switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET: exchange->face.method = HEC_METHOD_GET; return true;
    case EVHTTP_REQ_POST: exchange->face.method = HEC_METHOD_POST; return true;
    case EVHTTP_REQ_PUT: exchange->face.method = HEC_METHOD_PUT; return true;
    case EVHTTP_REQ_DELETE: exchange->face.method = HEC_METHOD_DELETE; return true;
    default: return false;
    }
}

/* Split before decoding, so that an encoded slash belongs to its part. A NUL ends no text of ours.
 */
static bool take_path(struct exchange *exchange, const char *path)
{
    while (*path != '\0') {
        path += *path == '/';
        size_t length = strcspn(path, "/");
        char encoded[512];
        if (length == 0 && *path == '\0') {
            break;
        }
        if (length == 0 || length >= sizeof(encoded) ||
            exchange->face.parts_count == HEC_PATH_PARTS_MAX) {
            return false;
        }
        memcpy(encoded, path, length);
        encoded[length] = '\0';
        size_t decoded_length;
        char *decoded = evhttp_uridecode(encoded, 0, &decoded_length);
        exchange->decoded[exchange->face.parts_count] = decoded;
        if (decoded == NULL || strlen(decoded) != decoded_length) {
            return false;
        }
        exchange->face.parts[exchange->face.parts_count++] = decoded;
        path += length;
    }
    return true;
}

static bool take_query(struct exchange *exchange, const char *query)
{
    if (query == NULL || query[0] == '\0') {
        return true;
    }
    if (evhttp_parse_query_str(query, &exchange->query) != 0) {
        return false;
    }
    for (struct evkeyval *one = exchange->query.tqh_first; one != NULL; one = one->next.tqe_next) {
        if (exchange->face.query_count == HEC_QUERY_PARTS_MAX) {
            return false;
        }
        exchange->face.query[exchange->face.query_count].name = one->key;
        exchange->face.query[exchange->face.query_count++].value = one->value;
    }
    return true;
}

static bool take_body(struct exchange *exchange, struct evhttp_request *request)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t length = evbuffer_get_length(input);
    exchange->body = malloc(length + 1);
    if (exchange->body == NULL) {
        return false;
    }
    evbuffer_copyout(input, exchange->body, length);
    exchange->body[length] = '\0';
    exchange->face.body = exchange->body;
    exchange->face.body_length = length;
    return true;
}

/* Who asks: on the Unix socket the peer, elsewhere the bearer of a token. */
static enum hec_role role_of(const struct hec_http *http, struct evhttp_request *request,
                             enum hec_side side, char actor[HEC_ACTOR_MAX])
{
    if (side == HEC_SIDE_SOCKET) {
        struct ucred peer = { 0 };
        socklen_t length = sizeof(peer);
        if (getsockopt(hec_http_fd(request), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
            return HEC_ROLE_NONE;
        }
        snprintf(actor, HEC_ACTOR_MAX, "uid %u", (unsigned)peer.uid);
        return HEC_ROLE_OPERATOR;
    }
    const char *given =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization");
    if (given == NULL || strncasecmp(given, "Bearer ", 7) != 0) {
        return HEC_ROLE_NONE;
    }
    given += 7 + strspn(given + 7, " ");
    return hec_tokens_role(http->options.tokens, given, strlen(given), actor);
}

static void answer_nobody(struct hec_http *http, struct evhttp_request *request)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), "WWW-Authenticate",
                      "Bearer realm=\"hecate\"");
    hec_http_problem(http, request, HEC_HANDLER_API, 401,
                     http->options.tokens == NULL
                         ? "There are no tokens: set admin.tokens_file, or use the Unix socket."
                         : "Send a known token: Authorization: Bearer TOKEN.");
    hec_log(HEC_LOG_WARN, "http", "denied", "a request without a known token was refused", NULL);
}

/* A page of another site can make a browser post forms, but not JSON with a token. Bodies have one
 * length: what is told twice or in chunks could be read differently by a proxy before us. */
static const char *refuse_form(struct evhttp_request *request, enum hec_method method, int *code)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    int lengths = 0;
    for (struct evkeyval *one = headers->tqh_first; one != NULL; one = one->next.tqe_next) {
        lengths += strcasecmp(one->key, "Content-Length") == 0;
    }
    *code = 400;
    if (lengths > 1 || evhttp_find_header(headers, "Transfer-Encoding") != NULL) {
        return "Send one Content-Length and no Transfer-Encoding.";
    }
    const char *type = evhttp_find_header(headers, "Content-Type");
    *code = 415;
    if (method != HEC_METHOD_GET &&
        (type == NULL || strncasecmp(type, "application/json", 16) != 0 ||
         strchr(" ;", type[16]) == NULL)) {
        return "Send Content-Type: application/json.";
    }
    return NULL;
}

/* The client went before its answer came. The exchange lives on until it is answered. */
static void on_gone(struct evhttp_connection *connection, void *context)
{
    struct exchange *exchange = context;
    (void)connection;
    hec_http_abandon(exchange->request);
    exchange->request = NULL;
}

static uint64_t last_id_of(struct evhttp_request *request)
{
    const char *text =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Last-Event-ID");
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static bool is_stream(const struct hec_exchange *face)
{
    return face->method == HEC_METHOD_GET && face->parts_count == 3 &&
           strcmp(face->parts[1], "v1") == 0 && strcmp(face->parts[2], "stream") == 0;
}

static bool take(struct exchange *exchange, struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    return take_path(exchange, evhttp_uri_get_path(uri)) &&
           take_query(exchange, evhttp_uri_get_query(uri)) && take_body(exchange, request);
}

static void hand_on(struct exchange *exchange, struct evhttp_request *request)
{
    struct hec_http *http = exchange->http;
    if (is_stream(&exchange->face)) {
        enum hec_side side = exchange->side;
        bool may = exchange->face.role >= HEC_ROLE_ANALYST;
        free_exchange(exchange);
        if (may) {
            hec_http_stream(http, request, side, last_id_of(request));
        } else {
            hec_http_problem(http, request, HEC_HANDLER_STREAM, 403, "This needs role analyst.");
        }
        return;
    }
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_gone, exchange);
    hec_door_extend(http->doors[exchange->side], hec_http_fd(request), REQUEST_MS_MAX);
    http->options.ask(http->options.context, &exchange->face);
}

void hec_http_exchange(struct hec_http *http, struct evhttp_request *request, enum hec_side side)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL) {
        hec_http_problem(http, request, HEC_HANDLER_API, 503, "Memory is exhausted.");
        return;
    }
    exchange->http = http;
    exchange->side = side;
    exchange->request = request;
    exchange->parcel.answered = &exchange->face;
    int code = 405;
    const char *refusal = NULL;
    if (!take_method(exchange, request)) {
        refusal = "Only GET, POST, PUT and DELETE are answered here.";
    } else {
        refusal = refuse_form(request, exchange->face.method, &code);
    }
    exchange->face.role = role_of(http, request, side, exchange->face.actor);
    if (exchange->face.role == HEC_ROLE_NONE) {
        answer_nobody(http, request);
    } else if (refusal != NULL) {
        hec_http_problem(http, request, HEC_HANDLER_API, code, refusal);
    } else if (!take(exchange, request)) {
        hec_http_problem(http, request, HEC_HANDLER_API, 400, "The address cannot be understood.");
    } else {
        hand_on(exchange, request);
        return;
    }
    free_exchange(exchange);
}

/* ---- Out ------------------------------------------------------------------------------------- */

void hec_http_post(struct hec_http *http, struct hec_parcel *parcel)
{
    parcel->next = NULL;
    pthread_mutex_lock(&http->lock);
    *http->parcels_end = parcel;
    http->parcels_end = &parcel->next;
    pthread_mutex_unlock(&http->lock);
    eventfd_write(http->bell, 1);
}

void hec_exchange_answer(struct hec_exchange *face, int code, char *body, size_t length)
{
    struct exchange *exchange = (struct exchange *)face;
    exchange->code = body == NULL ? 503 : code;
    exchange->answer = body;
    exchange->answer_length = length;
    hec_http_post(exchange->http, &exchange->parcel);
}

void hec_http_finish(struct hec_exchange *face)
{
    struct exchange *exchange = (struct exchange *)face;
    struct evhttp_request *request = exchange->request;
    if (request == NULL) {
        free_exchange(exchange);
        return;
    }
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
    hec_door_extend(exchange->http->doors[exchange->side], hec_http_fd(request), IDLE_MS_MAX);
    if (exchange->answer == NULL) {
        hec_http_problem(exchange->http, request, HEC_HANDLER_API, 503, "Memory is exhausted.");
    } else {
        hec_http_answer(exchange->http, request, HEC_HANDLER_API, exchange->code,
                        exchange->code >= 400 ? "application/problem+json" : "application/json",
                        exchange->answer, exchange->answer_length, exchange->code < 400);
    }
    free_exchange(exchange);
}
