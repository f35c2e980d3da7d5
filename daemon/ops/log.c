/*
 * A line is built on the stack and written at once; the lock covers the limit and the write.
 */
#include "ops/log.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hecate/event.h"
#include "ops/utf8.h"

#define LINE_MAX_BYTES 4096
#define TAIL_BYTES 64  /* kept free for cut=true, the bracket and the line break */
#define VALUE_MAX 1000 /* of one text, before escaping */
#define KINDS 128      /* of lines that the limit tells apart; others share */

static const struct {
    const char *name;
    int priority;
} LEVELS[HEC_LOG_LEVELS] = {
#define LEVEL_ROW(enumerator, name, priority) { name, priority },
    HEC_LOG_LEVEL_TABLE(LEVEL_ROW)
#undef LEVEL_ROW
};

static int64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One kind of line in the current second. */
struct kind {
    uint32_t hash;
    int64_t second;
    int written;
    uint64_t suppressed; /* since the last line of this kind */
};

static struct {
    pthread_mutex_t lock;
    _Atomic int level;
    bool json, priority;
    int lines_per_s;
    int fd;
    int64_t (*clock_ms)(void);
    struct kind kinds[KINDS];
    _Atomic uint64_t written[HEC_LOG_LEVELS], suppressed;
} logger = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .level = HEC_LOG_INFO,
    .fd = STDERR_FILENO,
    .clock_ms = real_ms,
};

const char *hec_log_level_name(enum hec_log_level level)
{
    assert((unsigned)level < HEC_LOG_LEVELS);
    return LEVELS[level].name;
}

/* Whether JOURNAL_STREAM ("device:inode") names the file behind fd. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char name[64];
    if (stream == NULL || fstat(fd, &status) != 0) {
        return false;
    }
    snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    return strcmp(name, stream) == 0;
}

void hec_log_setup(const struct hec_log_options *options)
{
    pthread_mutex_lock(&logger.lock);
    atomic_store(&logger.level, (int)options->level);
    logger.json = options->json;
    logger.lines_per_s = options->lines_per_s;
    logger.fd = options->fd == 0 ? STDERR_FILENO : options->fd;
    logger.clock_ms = options->clock_ms == NULL ? real_ms : options->clock_ms;
    logger.priority = is_journal(logger.fd);
    memset(logger.kinds, 0, sizeof(logger.kinds));
    pthread_mutex_unlock(&logger.lock);
}

void hec_log_set_level(enum hec_log_level level)
{
    assert((unsigned)level < HEC_LOG_LEVELS);
    atomic_store(&logger.level, (int)level);
}

enum hec_log_level hec_log_level(void)
{
    return (enum hec_log_level)atomic_load_explicit(&logger.level, memory_order_relaxed);
}

bool hec_log_is_on(enum hec_log_level level)
{
    return (int)level <= atomic_load_explicit(&logger.level, memory_order_relaxed);
}

uint64_t hec_log_written(enum hec_log_level level)
{
    assert((unsigned)level < HEC_LOG_LEVELS);
    return atomic_load(&logger.written[level]);
}

uint64_t hec_log_suppressed(void)
{
    return atomic_load(&logger.suppressed);
}

/* ---- The line -------------------------------------------------------------------------------- */

struct line {
    char bytes[LINE_MAX_BYTES];
    size_t used;
    bool json, cut;
    bool first; /* of the pairs */
};

static bool has_room(const struct line *line, size_t bytes)
{
    return line->used + bytes + TAIL_BYTES <= LINE_MAX_BYTES;
}

static void put(struct line *line, const char *text, size_t length)
{
    assert(line->used + length <= LINE_MAX_BYTES);
    memcpy(line->bytes + line->used, text, length);
    line->used += length;
}

static void put_string(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Writes text with JSON's escapes, which logfmt readers know too. Control characters, the C1 ones
 * included, and bytes that are no UTF-8 never pass as they are. */
static void put_escaped(struct line *line, const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < length;) {
        char escape[8];
        if (!has_room(line, 8)) {
            line->cut = true;
            return;
        }
        int width = hec_utf8_length(bytes + i, length - i);
        unsigned char c = bytes[i];
        if (width == 0) {
            put_string(line, "\\ufffd");
        } else if (c == '"' || c == '\\') {
            escape[0] = '\\';
            escape[1] = (char)c;
            put(line, escape, 2);
        } else if (c == '\n' || c == '\t' || c == '\r') {
            put_string(line, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
        } else if (c < ' ' || c == 0x7f || (c == 0xc2 && bytes[i + 1] < 0xa0)) {
            snprintf(escape, sizeof(escape), "\\u%04x", c == 0xc2 ? bytes[i + 1] : c);
            put_string(line, escape);
        } else {
            put(line, text + i, (size_t)width);
        }
        i += width == 0 ? 1 : (size_t)width;
    }
}

static bool is_bare(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return length > 0;
}

static void put_key(struct line *line, const char *key, size_t length)
{
    if (line->json) {
        put_string(line, line->first ? "\"" : ",\"");
        put(line, key, length);
        put_string(line, "\":");
    } else {
        put_string(line, line->first ? "" : " ");
        put(line, key, length);
        put_string(line, "=");
    }
    line->first = false;
}

static void put_text(struct line *line, const char *key, size_t key_length, const char *text)
{
    if (!has_room(line, key_length + 16)) {
        line->cut = true;
        return;
    }
    size_t length = text == NULL ? 0 : strnlen(text, VALUE_MAX);
    if (length > 0 && hec_looks_like_card_number(text, length)) {
        text = "[card number]";
        length = strlen(text);
    }
    put_key(line, key, key_length);
    bool quoted = line->json || !is_bare(text, length);
    put_string(line, quoted ? "\"" : "");
    put_escaped(line, text, length);
    put_string(line, quoted ? "\"" : "");
}

static void put_number(struct line *line, const char *key, size_t key_length, const char *number,
                       bool finite)
{
    if (!has_room(line, key_length + strlen(number) + 8)) {
        line->cut = true;
        return;
    }
    put_key(line, key, key_length);
    bool quoted = line->json && !finite;
    put_string(line, quoted ? "\"" : "");
    put_string(line, number);
    put_string(line, quoted ? "\"" : "");
}

/* ---- Facts ----------------------------------------------------------------------------------- */

/* One conversion of the format: its text, its length modifier and its letter. */
struct conversion {
    char text[16];
    int longs; /* l: 1, ll: 2, z: 3, j: 4; h and hh promote to int */
    char letter;
};

static const char *read_conversion(struct conversion *conversion, const char *at)
{
    size_t flags = 1 + strspn(at + 1, "-+ #0123456789.");
    size_t modifiers = strspn(at + flags, "hlzj");
    *conversion = (struct conversion){ .letter = at[flags + modifiers] };
    assert(conversion->letter != '\0' && flags + modifiers + 2 <= sizeof(conversion->text));
    memcpy(conversion->text, at, flags + modifiers + 1);
    for (size_t i = 0; i < modifiers; i++) {
        char c = at[flags + i];
        conversion->longs += c == 'l' ? 1 : c == 'z' ? 3 : c == 'j' ? 4 : 0;
    }
    return at + flags + modifiers + 1;
}

/* The formats below are pieces of the caller's, which the compiler has checked. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void put_fact(struct line *line, const char *key, size_t key_length,
                     const struct conversion *conversion, va_list *arguments)
{
    char number[400];
    const char *format = conversion->text;
    double value = 0;
    switch (conversion->letter) {
    case 's': put_text(line, key, key_length, va_arg(*arguments, const char *)); return;
    case 'c': {
        char text[2] = { (char)va_arg(*arguments, int), '\0' };
        put_text(line, key, key_length, text);
        return;
    }
    case 'e':
    case 'f':
    case 'g':
        value = va_arg(*arguments, double);
        snprintf(number, sizeof(number), format, value);
        break;
    default:
        switch (conversion->longs) {
        case 0: snprintf(number, sizeof(number), format, va_arg(*arguments, int)); break;
        case 1: snprintf(number, sizeof(number), format, va_arg(*arguments, long)); break;
        case 2: snprintf(number, sizeof(number), format, va_arg(*arguments, long long)); break;
        case 3: snprintf(number, sizeof(number), format, va_arg(*arguments, size_t)); break;
        default: snprintf(number, sizeof(number), format, va_arg(*arguments, intmax_t)); break;
        }
    }
    put_number(line, key, key_length, number, isfinite(value) != 0);
}
#pragma GCC diagnostic pop

static void put_facts(struct line *line, const char *facts, va_list *arguments)
{
    while (facts != NULL && *facts != '\0' && !line->cut) {
        facts += strspn(facts, " ");
        size_t key_length = strcspn(facts, "= ");
        const char *key = facts;
        if (key_length == 0 || facts[key_length] != '=') {
            assert(*facts == '\0' && "facts are key=%conversion pairs");
            return;
        }
        facts += key_length + 1;
        if (*facts == '%') {
            struct conversion conversion;
            facts = read_conversion(&conversion, facts);
            put_fact(line, key, key_length, &conversion, arguments);
        } else {
            char literal[128];
            size_t length = strcspn(facts, " ");
            snprintf(literal, sizeof(literal), "%.*s", (int)length, facts);
            put_text(line, key, key_length, literal);
            facts += length;
        }
    }
}

static void put_time(struct line *line, int64_t now_ms)
{
    char text[64];
    struct tm parts;
    time_t seconds = (time_t)(now_ms / 1000);
    gmtime_r(&seconds, &parts);
    size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + length, sizeof(text) - length, ".%03dZ", (int)(now_ms % 1000));
    put_text(line, "ts", 2, text);
}

/* ---- The limit ------------------------------------------------------------------------------- */

/* FNV-1a. */
static uint32_t hash_of(const char *module, const char *event)
{
    uint32_t hash = 2166136261u;
    for (const char *c = module; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    }
    for (const char *c = event; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    }
    return hash;
}

/* Under the lock. False: over the limit, and counted. suppressed: what to tell with this line. */
static bool admit(uint32_t hash, int64_t now_ms, uint64_t *suppressed)
{
    struct kind *kind = &logger.kinds[hash % KINDS];
    *suppressed = 0;
    if (logger.lines_per_s == 0) {
        return true;
    }
    if (kind->hash != hash) {
        *kind = (struct kind){ .hash = hash };
    }
    if (kind->second != now_ms / 1000) {
        kind->second = now_ms / 1000;
        kind->written = 0;
    }
    if (kind->written >= logger.lines_per_s) {
        kind->suppressed++;
        atomic_fetch_add(&logger.suppressed, 1);
        return false;
    }
    kind->written++;
    *suppressed = kind->suppressed;
    kind->suppressed = 0;
    return true;
}

static void write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written <= 0) {
            return; /* nobody left to tell */
        }
        bytes += written;
        length -= (size_t)written;
    }
}

void hec_log(enum hec_log_level level, const char *module, const char *event, const char *message,
             const char *facts, ...)
{
    assert((unsigned)level < HEC_LOG_LEVELS);
    if (!hec_log_is_on(level)) {
        return;
    }
    pthread_mutex_lock(&logger.lock);
    int64_t now_ms = logger.clock_ms();
    uint64_t suppressed;
    if (!admit(hash_of(module, event), now_ms, &suppressed)) {
        pthread_mutex_unlock(&logger.lock);
        return;
    }
    struct line line = { .json = logger.json, .first = true };
    if (logger.priority) {
        char prefix[8];
        snprintf(prefix, sizeof(prefix), "<%d>", LEVELS[level].priority);
        put_string(&line, prefix);
    }
    put_string(&line, line.json ? "{" : "");
    put_time(&line, now_ms);
    put_text(&line, "level", 5, LEVELS[level].name);
    put_text(&line, "mod", 3, module);
    put_text(&line, "event", 5, event);
    put_text(&line, "msg", 3, message);
    va_list arguments;
    va_start(arguments, facts);
    put_facts(&line, facts, &arguments);
    va_end(arguments);
    /* The room that TAIL_BYTES keeps is for what follows. */
    if (suppressed > 0) {
        char count[24];
        snprintf(count, sizeof(count), "%llu", (unsigned long long)suppressed);
        put_key(&line, "suppressed", 10);
        put_string(&line, count);
    }
    if (line.cut) {
        put_key(&line, "cut", 3);
        put_string(&line, "true");
    }
    put_string(&line, line.json ? "}\n" : "\n");
    write_all(logger.fd, line.bytes, line.used);
    atomic_fetch_add(&logger.written[level], 1);
    pthread_mutex_unlock(&logger.lock);
}
