/*
 * Asks POST /api/v1/score at a given rate, whatever the answers do (an open loop): each request has
 * a time at which it is due, and what it took is counted from there, so that a stall counts for all
 * that it held up.
 *
 *   bench-score-http ADDRESS PORT TOKEN EVENTS RATE SECONDS
 *
 * Prints requests, answers other than 200 and the quantiles in ms.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS 16
#define LINES_MAX 20000

static struct {
    const char *address, *token;
    int port;
    double rate, seconds;
    char *lines[LINES_MAX];
    int lines_count;
    int64_t begin_ns;
} bench;

struct client {
    pthread_t thread;
    int number, asked, bad;
    double *took_ms;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int dial(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)bench.port) };
    inet_pton(AF_INET, bench.address, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("connect");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

/* One request and its whole answer; its code, 0 when the connection broke. */
static int ask(int fd, const char *event)
{
    char text[16384];
    int length =
        snprintf(text, sizeof(text),
                 "POST /api/v1/score HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 bench.token, strlen(event), event);
    if (write(fd, text, (size_t)length) != length) {
        return 0;
    }
    size_t have = 0, whole = 0;
    while (whole == 0 || have < whole) {
        ssize_t got = read(fd, text + have, sizeof(text) - 1 - have);
        if (got <= 0) {
            return 0;
        }
        have += (size_t)got;
        text[have] = '\0';
        char *end = strstr(text, "\r\n\r\n"), *field = strstr(text, "Content-Length: ");
        if (end != NULL && field != NULL) {
            whole = (size_t)(end + 4 - text) + strtoul(field + 16, NULL, 10);
        }
    }
    return atoi(text + 9);
}

static void *run(void *context)
{
    struct client *client = context;
    int fd = dial();
    int total = (int)(bench.rate * bench.seconds);
    for (int i = client->number; i < total; i += THREADS) {
        int64_t due_ns = bench.begin_ns + (int64_t)(1e9 * i / bench.rate);
        struct timespec due = { due_ns / 1000000000, due_ns % 1000000000 };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        int code = ask(fd, bench.lines[(i * 7919) % bench.lines_count]);
        client->took_ms[client->asked++] = (double)(now_ns() - due_ns) / 1e6;
        client->bad += code != 200;
        if (code != 200) { /* a refusal ends the connection */
            close(fd);
            fd = dial();
        }
    }
    close(fd);
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void read_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[8192];
    while (file != NULL && bench.lines_count < LINES_MAX &&
           fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        bench.lines[bench.lines_count++] = strdup(line);
    }
    if (bench.lines_count == 0) {
        fprintf(stderr, "%s: no events\n", path);
        exit(1);
    }
    fclose(file);
}

int main(int count, char **words)
{
    if (count != 7) {
        fprintf(stderr, "usage: bench-score-http ADDRESS PORT TOKEN EVENTS RATE SECONDS\n");
        return 2;
    }
    bench.address = words[1];
    bench.port = atoi(words[2]);
    bench.token = words[3];
    read_lines(words[4]);
    bench.rate = atof(words[5]);
    bench.seconds = atof(words[6]);
    bench.begin_ns = now_ns() + 100000000;
    int total = (int)(bench.rate * bench.seconds), asked = 0, bad = 0;
    double *all = calloc((size_t)total + THREADS, sizeof(double));
    struct client clients[THREADS] = { 0 };
    for (int i = 0; i < THREADS; i++) {
        clients[i].number = i;
        clients[i].took_ms = calloc((size_t)total / THREADS + 2, sizeof(double));
        pthread_create(&clients[i].thread, NULL, run, &clients[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(clients[i].thread, NULL);
        memcpy(all + asked, clients[i].took_ms, (size_t)clients[i].asked * sizeof(double));
        asked += clients[i].asked;
        bad += clients[i].bad;
        free(clients[i].took_ms);
    }
    qsort(all, (size_t)asked, sizeof(double), by_size);
    printf("requests=%d not_200=%d p50_ms=%.2f p90_ms=%.2f p99_ms=%.2f p999_ms=%.2f max_ms=%.2f\n",
           asked, bad, all[asked / 2], all[asked * 9 / 10], all[asked * 99 / 100],
           all[asked * 999 / 1000], all[asked - 1]);
    return bad > 0 || all[asked * 99 / 100] > 10.0;
}
