/*
 * The scheduler: whose turn it is, who is shot, frozen or started, and when it is over.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ops/log.h"
#include "ops/metrics.h"
#include "sim.h"

#define STACK_BYTES (512 * 1024)
#define CHAOS_US (INT64_C(200) * 1000000)
#define INPUT_US (INT64_C(150) * 1000000) /* about how long the input takes to come */
#define CALM_US (INT64_C(300) * 1000000)
#define STEPS_MAX 3000000
#define START_US 1000000
#define NEVER INT64_MAX

struct sim sim;
struct sim_shared sim_shared;

static struct hec_metrics *metrics;
static struct sim_process *current[SIM_ENGINES_MAX]; /* the newest life of each identity */
static int64_t start_us[SIM_ENGINES_MAX];            /* when the supervisor starts the next one */
static int64_t append_us, calm_since_us;
static bool stopping;

int64_t sim_between(int64_t from, int64_t to)
{
    return from + (int64_t)hec_random_below(&sim.random, (uint64_t)(to - from + 1));
}

bool sim_strikes(int per_mille)
{
    if (sim.calm || per_mille == 0 || sim_between(0, 999) >= per_mille) {
        return false;
    }
    sim.told++;
    return true;
}

void sim_note(const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    length = length < (int)sizeof(text) ? length : (int)sizeof(text) - 1;
    sim.trace ^= (uint64_t)sim.now_us * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < length; i++) {
        sim.trace = (sim.trace ^ (unsigned char)text[i]) * 0x100000001b3u;
    }
    if (sim.verbose) {
        int who = sim.running == NULL ? -1 : sim.running->number;
        printf("%11.6f  %3d  %s\n", (double)sim.now_us / 1e6, who, text);
    }
}

static void tell_profile(void)
{
    const struct sim_profile *p = &sim.profile;
    printf("  partitions=%d engines=%d events=%d users=%d cache_kib=%d delivery=%s%s "
           "without_redis=%s letters=%d%%\n"
           "  batch=%d or %d ms commit=%d ms or %d checkpoint=%d ms or %d\n",
           p->partitions, p->engines, p->events, p->users, p->cache_kib,
           p->at_least_once ? "at_least_once" : "exactly_once", p->overlap ? " overlap" : "",
           p->stop_without_store ? "stop" : "continue", p->letters_percent_max, p->batch_rows_max,
           p->batch_wait_ms, p->commit_interval_ms, p->commit_records_max,
           p->checkpoint_interval_ms, p->checkpoint_records_max);
#define TELL(field, text, most)                                                                    \
    if (p->field > 0) {                                                                            \
        printf("  %-14s %4d per mille  %s\n", #field, p->field, text);                             \
    }
    SIM_FAULTS(TELL)
#undef TELL
}

_Noreturn void sim_fail(const char *format, ...)
{
    va_list list;
    printf("seed %" PRIu64 " FAILED at %.6f s, step %" PRIu64 ", trace %016" PRIx64 ": ", sim.seed,
           (double)sim.now_us / 1e6, sim.steps, sim.trace);
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("\n");
    tell_profile();
    fflush(stdout);
    _exit(1);
}

/* ---- Processes ---- */

void sim_wait(int64_t us)
{
    struct sim_fiber *self = sim.fiber;
    if (sim.running == NULL) {
        return;
    }
    self->wake_us = sim.now_us + us;
    sim.running = NULL;
    swapcontext(&self->context, &sim.scheduler);
}

bool sim_is_frozen(const struct sim_process *process)
{
    return process->frozen_until_us > sim.now_us;
}

static void fiber_body(void)
{
    struct sim_fiber *self = sim.fiber;
    self->run(self->argument);
    self->used = false;
    sim.running = NULL;
    setcontext(&sim.scheduler);
}

static void fiber_make(struct sim_process *process, void (*run)(void *argument), void *argument)
{
    struct sim_fiber *fiber = NULL;
    for (int i = 0; i < SIM_FIBERS_MAX && fiber == NULL; i++) {
        fiber = process->fibers[i].used ? NULL : &process->fibers[i];
    }
    if (fiber == NULL || getcontext(&fiber->context) != 0) {
        sim_fail("more than %d threads of one process", SIM_FIBERS_MAX);
    }
    if (fiber->stack == NULL) {
        fiber->stack =
            mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    if (fiber->stack == MAP_FAILED) {
        sim_fail("no memory for a stack");
    }
    fiber->used = true;
    fiber->process = process;
    fiber->wake_us = sim.now_us;
    fiber->run = run;
    fiber->argument = argument;
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&fiber->context, fiber_body, 0);
}

void sim_fiber_start(void (*run)(void *argument), void *argument)
{
    fiber_make(sim.running, run, argument);
}

void sim_travel(void)
{
    sim_wait(sim_strikes(sim.profile.slow) ? sim_between(100000, 4000000) : sim_between(100, 3000));
}

bool sim_is_silent(int timeout_ms)
{
    if (!sim_strikes(sim.profile.silent)) {
        return false;
    }
    sim_wait((int64_t)timeout_ms * 1000);
    return true;
}

static struct hec_engine_options options_of(const struct sim_process *self, char *identity)
{
    static const struct hec_kafka_property BROKERS = { "bootstrap.servers", "sim" };
    const struct sim_profile *profile = &sim.profile;
    struct hec_kafka_options kafka = { &BROKERS, 1, NULL, NULL };
    snprintf(identity, 16, "sim-%d", self->identity);
    return (struct hec_engine_options){
        .index = self->identity,
        .source = { .kafka = kafka, .topic = "in", .group = "group", .instance_id = identity },
        .sink = { .kafka = kafka,
                  .transactional_id = profile->at_least_once ? NULL : identity,
                  .topics = { "alerts", "dead", "scores" },
                  .topics_count = 3 },
        .store = { .address = "sim:", .key_prefix = SIM_PREFIX },
        .input_topic = "in",
        .cluster_id = "cluster",
        .partitions = profile->partitions,
        .start_earliest = true,
        .limits = { 65536, 60000 },
        .plan = sim_shared.plan,
        .model = sim_shared.model,
        .policy = &sim_shared.policy,
        .model_sha256 = "0123456789abcdef",
        .instance = "sim",
        .tenant = "",
        .publish_scores = true,
        .score_features = true,
        .score_sample_ratio = 1,
        .cache_bytes_max = (size_t)profile->cache_kib * 1024,
        .batch_rows_max = profile->batch_rows_max,
        .batch_wait_ms = profile->batch_wait_ms,
        .commit_interval_ms = profile->commit_interval_ms,
        .commit_records_max = profile->commit_records_max,
        .checkpoint_interval_ms = profile->checkpoint_interval_ms,
        .checkpoint_records_max = profile->checkpoint_records_max,
        .shared_refresh_ms = 1000,
        .overlap = profile->overlap,
        .stop_without_store = profile->stop_without_store,
        .dead_letter_ratio_max = profile->letters_percent_max / 100.0,
        .dead_letter_records_min = 10,
        .meter = hec_metrics_engine(metrics, self->identity),
    };
}

/* What an operator does: whatever stands still because of its dead letters is resumed, some time.
 */
static void look_after(struct sim_process *self)
{
    struct hec_engine_view view;
    hec_engine_view(self->engine, &view);
    if (view.circuit_open && sim_between(0, 40) == 0) {
        sim_note("process %d is resumed", self->number);
        hec_engine_pause(self->engine, false);
    }
}

/* What a service does with its one engine. */
static void live(void *argument)
{
    struct sim_process *self = argument;
    struct hec_error error = { 0 };
    char identity[16];
    struct hec_engine_options options = options_of(self, identity);
    enum hec_status status = hec_engine_new(&self->engine, &options, &error);
    while (status == HEC_OK && !self->stop_asked) {
        status = hec_engine_step(self->engine, &error);
        sim_check_engine(self);
        look_after(self);
        sim_wait(1);
    }
    if (status == HEC_OK) {
        status = hec_engine_drain(self->engine, &error);
    }
    sim_note("ends: %s %s", hec_status_name(status), status == HEC_OK ? "" : error.text);
    if (status != HEC_OK && status != HEC_FENCED && status != HEC_FATAL &&
        status != HEC_UNAVAILABLE) {
        sim_fail("an engine gave up with %s: %s", hec_status_name(status), error.text);
    }
    hec_engine_free(self->engine, 5000);
    self->engine = NULL;
    self->dead = true;
}

static void start(int identity)
{
    if (sim.processes_count == SIM_PROCESSES_MAX) {
        sim_fail("more than %d lives: something ends all the time", SIM_PROCESSES_MAX);
    }
    struct sim_process *process = &sim.processes[sim.processes_count];
    *process = (struct sim_process){ .number = sim.processes_count++, .identity = identity };
    fiber_make(process, live, process);
    current[identity] = process;
    sim_note("process %d of identity %d starts", process->number, identity);
}

static void resume(struct sim_fiber *fiber)
{
    sim.running = fiber->process;
    sim.fiber = fiber;
    swapcontext(&sim.scheduler, &fiber->context);
    sim.running = NULL;
}

/* ---- The supervisor, and those who harm ---- */

static void supervise(void)
{
    for (int i = 0; i < sim.profile.engines; i++) {
        struct sim_process *process = current[i];
        if (process == NULL || !process->dead) {
            continue;
        }
        current[i] = NULL;
        start_us[i] = sim.now_us + (sim.calm ? START_US : sim_between(0, 15 * START_US));
    }
    for (int i = 0; i < sim.profile.engines && !stopping; i++) {
        if (current[i] == NULL && start_us[i] <= sim.now_us) {
            start(i);
        }
    }
}

static void harm(struct sim_process *process)
{
    if (process->dead) {
        return;
    }
    if (sim_strikes(sim.profile.kill)) {
        process->dead = true;
        sim_note("process %d is shot", process->number);
    } else if (sim_strikes(sim.profile.freeze)) {
        process->frozen_until_us = sim.now_us + sim_between(1000, 90000000);
        sim_note("process %d is frozen", process->number);
        if (current[process->identity] == process && sim_strikes(sim.profile.usurp)) {
            current[process->identity] = NULL;
            start_us[process->identity] = sim.now_us + sim_between(0, 5000000);
        }
    } else if (sim_strikes(sim.profile.stop)) {
        process->stop_asked = true;
        sim_note("process %d is asked to stop", process->number);
    }
}

/* ---- Time ---- */

static int64_t ready_us(const struct sim_fiber *fiber)
{
    return !fiber->used                                       ? NEVER
           : fiber->wake_us > fiber->process->frozen_until_us ? fiber->wake_us
                                                              : fiber->process->frozen_until_us;
}

static int64_t earliest_us(void)
{
    int64_t next = append_us;
    for (int i = 0; i < sim.processes_count; i++) {
        const struct sim_process *process = &sim.processes[i];
        for (int f = 0; f < SIM_FIBERS_MAX && !process->dead; f++) {
            int64_t at_us = ready_us(&process->fibers[f]);
            next = at_us < next ? at_us : next;
        }
    }
    for (int i = 0; i < sim.profile.engines && !stopping; i++) {
        next = current[i] == NULL && start_us[i] < next ? start_us[i] : next;
    }
    next = sim_cluster_next_us() < next ? sim_cluster_next_us() : next;
    return sim_server_next_us() < next ? sim_server_next_us() : next;
}

static struct sim_fiber *pick(void)
{
    struct sim_fiber *ready[SIM_PROCESSES_MAX * SIM_FIBERS_MAX];
    int count = 0;
    for (int i = 0; i < sim.processes_count; i++) {
        struct sim_process *process = &sim.processes[i];
        for (int f = 0; f < SIM_FIBERS_MAX && !process->dead; f++) {
            if (ready_us(&process->fibers[f]) <= sim.now_us) {
                ready[count++] = &process->fibers[f];
            }
        }
    }
    return count == 0 ? NULL : ready[sim_between(0, count - 1)];
}

static bool all_is_done(void)
{
    for (int32_t p = 0; p < sim.profile.partitions; p++) {
        char key[64];
        const void *bytes;
        size_t length;
        bool damaged;
        long long offset = -1;
        snprintf(key, sizeof(key), SIM_PREFIX ":wm:{%d}", (int)p);
        if (sim_server_get(key, &bytes, &length, &damaged)) {
            sscanf(bytes, "offset=%lld", &offset);
        }
        int64_t end = sim_input[p].count;
        if (end > 0 && (sim_cluster.committed[p] < end || offset < end)) {
            return false;
        }
    }
    return true;
}

/* Calm begins when the input is through, or has had its time. */
static void turn(void)
{
    if (append_us <= sim.now_us) {
        int64_t turns = sim.profile.events / sim.profile.partitions / 4 + 1;
        append_us =
            sim_input_append() ? sim.now_us + sim_between(1000, 2 * INPUT_US / turns) : NEVER;
    }
    if (!sim.calm && append_us == NEVER && sim.now_us > CHAOS_US) {
        sim.calm = true;
        calm_since_us = sim.now_us;
        sim_note("from here on nothing goes wrong");
    }
    if (sim.calm && !stopping && all_is_done()) {
        stopping = true;
        for (int i = 0; i < sim.processes_count; i++) {
            sim.processes[i].stop_asked = true;
        }
    }
    if (sim.calm && sim.now_us - calm_since_us > CALM_US) {
        sim_fail("nothing goes wrong any more, and yet the input is not through after %d s",
                 (int)(CALM_US / 1000000));
    }
}

static bool anyone_lives(void)
{
    for (int i = 0; i < sim.processes_count; i++) {
        if (!sim.processes[i].dead) {
            return true;
        }
    }
    return false;
}

static void schedule(void)
{
    while (!stopping || anyone_lives()) {
        if (++sim.steps > STEPS_MAX) {
            sim_fail("a hot loop: %d steps and no end", STEPS_MAX);
        }
        supervise();
        int64_t next = earliest_us();
        if (next == NEVER) {
            sim_fail("everybody waits for nothing");
        }
        sim.now_us = next > sim.now_us ? next : sim.now_us;
        sim_cluster_tick();
        sim_server_tick();
        turn();
        struct sim_fiber *fiber = pick();
        if (fiber != NULL) {
            struct sim_process *process = fiber->process;
            resume(fiber);
            harm(process);
        }
    }
}

/* ---- A seed ---- */

static void draw_profile(void)
{
    struct sim_profile *p = &sim.profile;
    *p = (struct sim_profile){
        .partitions = (int)sim_between(1, SIM_PARTITIONS_MAX),
        .engines = (int)sim_between(1, SIM_ENGINES_MAX),
        .events = (int)sim_between(50, 400),
        .users = (int)sim_between(3, 40),
        .cache_kib = sim_between(0, 1) == 0 ? (int)sim_between(4, 32) : 4096,
        .batch_rows_max = (int)sim_between(1, 32),
        .batch_wait_ms = sim_between(0, 1) == 0 ? 1 : (int)sim_between(2, 200),
        .commit_interval_ms = (int)sim_between(1, 2000),
        .commit_records_max = (int)sim_between(1, 200),
        .checkpoint_interval_ms = (int)sim_between(1, 5000),
        .checkpoint_records_max = (int)sim_between(1, 200),
        .at_least_once = sim_between(0, 9) == 0,
        .overlap = sim_between(0, 1) == 0,
        .stop_without_store = sim_between(0, 3) == 0,
        .letters_percent_max = sim_between(0, 3) == 0 ? (int)sim_between(1, 20) : 0,
    };
#define DRAW(field, text, most) p->field = sim_between(0, 2) == 0 ? 0 : (int)sim_between(1, most);
    SIM_FAULTS(DRAW)
#undef DRAW
    p->overlap = sim_shared.overlap < 0 ? p->overlap : sim_shared.overlap == 1;
}

int64_t sim_counted(int identity)
{
    const struct hec_meter *meter = hec_metrics_engine(metrics, identity);
    int64_t counted = 0;
    for (int outcome = 0; outcome < HEC_OUTCOMES; outcome++) {
        counted +=
            atomic_load_explicit(&meter->values[HEC_S_RESULTS + outcome], memory_order_relaxed);
    }
    return counted;
}

static int64_t wall_ms(void)
{
    return sim.now_us / 1000;
}

void sim_run(uint64_t seed, bool verbose)
{
    struct hec_metrics_options options = { .engines = SIM_ENGINES_MAX,
                                           .input_topic = "in",
                                           .version = "sim",
                                           .librdkafka = "sim",
                                           .libevent = "sim" };
    sim.seed = seed;
    sim.random = hec_random_at(seed, 1);
    sim.now_us = 1000000;
    sim.verbose = verbose;
    hec_log_setup(&(struct hec_log_options){ .level = verbose ? HEC_LOG_INFO : HEC_LOG_ERROR,
                                             .fd = verbose ? 1 : -1,
                                             .clock_ms = wall_ms });
    if (hec_metrics_new(&metrics, &options) != HEC_OK) {
        sim_fail("no memory for metrics");
    }
    draw_profile();
    if (verbose) {
        setvbuf(stdout, NULL, _IONBF, 0);
        tell_profile();
    }
    sim_input_make();
    sim_reference_make();
    sim_cluster_make();
    sim_server_make();
    for (int i = 0; i < sim.profile.engines; i++) {
        start_us[i] = sim.now_us + (i == 0 ? 0 : sim_between(0, 30000000));
    }
    schedule();
    sim_check_end();
    sim_check_counts();
}
