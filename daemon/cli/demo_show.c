/* What a person sees of the demo. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "cli/demo.h"

/* So many alerts can be read; the others are counted. A head that was not seen for a while may
 * speak sooner. */
#define ALERT_GAP_US 350000
#define HEAD_GAP_US 1500000

void hec_demo_say(const struct hec_demo *demo, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (demo->terminal) {
        printf("\r\033[K");
    }
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
    va_end(arguments);
}

static const char *text_at(yyjson_val *root, const char *pointer)
{
    const char *text = yyjson_get_str(yyjson_ptr_get(root, pointer));
    return text == NULL ? "" : text;
}

static void count(struct hec_demo *demo, int head, struct hec_demo_event *event)
{
    struct hec_demo_tally *tally = &demo->tally[head];
    tally->alerts++;
    if (event->truth == head) {
        tally->hits++;
        tally->found++;
    } else if (event->truth == HEC_DEMO_LEFT_OUT) {
        tally->left_out++;
    } else if (event->truth < HEC_DEMO_HEADS) {
        tally->other_crimes++;
    }
}

static void print_alert(struct hec_demo *demo, yyjson_val *root, const char *head,
                        const struct hec_demo_event *event)
{
    char pointer[64], amount[32] = "";
    snprintf(pointer, sizeof(pointer), "/scores/%s/score", head);
    int score = (int)yyjson_get_int(yyjson_ptr_get(root, pointer));
    const char *reason = text_at(root, "/reasons/0/text");
    yyjson_val *minor = yyjson_ptr_get(root, "/event/amount_minor");
    if (minor != NULL) {
        snprintf(amount, sizeof(amount), "%s %.2f", text_at(root, "/event/currency"),
                 (double)yyjson_get_sint(minor) / 100);
    }
    hec_demo_say(demo, "  %-10s %3d  %-14s %12s  %-52.52s %s", head, score,
                 text_at(root, "/event/event_type"), amount,
                 reason[0] == '\0' ? "no single reason stands out" : reason,
                 event->truth < HEC_DEMO_HEADS       ? "a crime"
                 : event->truth == HEC_DEMO_LEFT_OUT ? "an attempt"
                                                     : "innocent");
}

void hec_demo_show_alert(struct hec_demo *demo, const char *json, size_t length)
{
    yyjson_doc *document = yyjson_read(json, length, 0);
    yyjson_val *root = yyjson_doc_get_root(document);
    const char *id = text_at(root, "/event/event_id");
    const char *head = text_at(root, "/head");
    unsigned long long number = 0;
    if (sscanf(id, "e%llu", &number) == 1 && number < demo->events_count &&
        demo->events[number].live) {
        struct hec_demo_event *event = &demo->events[number];
        int64_t now_us = hec_demo_now_us();
        bool show = now_us - demo->shown_us >= ALERT_GAP_US;
        for (int i = 0; i < HEC_DEMO_HEADS; i++) {
            if (strcmp(head, hec_demo_head_names[i]) == 0) {
                count(demo, i, event);
                show = show || now_us - demo->head_shown_us[i] >= HEAD_GAP_US;
                demo->head_shown_us[i] = show ? now_us : demo->head_shown_us[i];
            }
        }
        demo->alerts_seen++;
        if (show) {
            demo->shown_us = now_us;
            demo->alerts_shown++;
            print_alert(demo, root, head, event);
        }
    }
    yyjson_doc_free(document);
}

void hec_demo_show_progress(struct hec_demo *demo, bool live)
{
    int64_t now_us = hec_demo_now_us();
    if (now_us - demo->told_us < (demo->terminal ? 200000 : 3000000)) {
        return;
    }
    demo->told_us = now_us;
    double took_s = (double)(now_us - (live ? demo->live_begun_us : demo->begun_us)) * 1e-6;
    uint64_t sent = live ? demo->sent_live : demo->sent;
    printf("%s%s  %llu events, %.0f a second, %llu alerts%s", demo->terminal ? "\r\033[K" : "",
           live ? "live" : "past", (unsigned long long)sent, took_s > 0 ? (double)sent / took_s : 0,
           (unsigned long long)demo->alerts_seen, demo->terminal ? "" : "\n");
    fflush(stdout);
}

void hec_demo_show_table(struct hec_demo *demo)
{
    hec_demo_say(demo, "\nlive events  %llu, of %llu in all", (unsigned long long)demo->sent_live,
                 (unsigned long long)demo->sent);
    printf("latency      p50 %.1f ms, p99 %.1f ms from sending an event to having its score\n\n",
           (double)hec_histogram_quantile(&demo->latency_us, 0.5) / 1000,
           (double)hec_histogram_quantile(&demo->latency_us, 0.99) / 1000);
    printf("%-12s %7s %7s %7s %9s %10s %8s %7s %7s\n", "head", "alerts", "own", "other", "innocent",
           "precision", "crimes", "found", "recall");
    for (int head = 0; head < HEC_DEMO_HEADS; head++) {
        const struct hec_demo_tally *tally = &demo->tally[head];
        uint64_t crimes = tally->hits + tally->other_crimes;
        uint64_t judged = tally->alerts - tally->left_out;
        printf("%-12s %7llu %7llu %7llu %9llu %10.2f %8llu %7llu %7.2f\n",
               hec_demo_head_names[head], (unsigned long long)tally->alerts,
               (unsigned long long)tally->hits, (unsigned long long)tally->other_crimes,
               (unsigned long long)(judged - crimes),
               judged > 0 ? (double)crimes / (double)judged : 0, (unsigned long long)tally->crimes,
               (unsigned long long)tally->found,
               tally->crimes > 0 ? (double)tally->found / (double)tally->crimes : 0);
    }
    printf(
        "\nCrimes are events, as planted. own: alerts on crimes of this head's kind; other: on "
        "crimes\n"
        "of another kind (a takeover ends in payments). precision: own and other of own, other "
        "and\n"
        "innocent. found, recall: this head's crimes; for the anomaly head a novelty that no "
        "label\n"
        "ever named. The bank is made up: these figures show how it works, not how good it is.\n");
    fflush(stdout);
}
