/* Drafts become events, reports become labels, and what was planted is told to the truth file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/gen.h"
#include "file/event_json.h"

/* One alphabet for all tokens: eight of these, after a letter for the kind. No digit run can be as
 * long as a card number. */
#define TOKEN_BYTES 16

/* splitmix64's finisher: numbers to what looks like none. */
static uint64_t mixed(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static const char *token(char text[TOKEN_BYTES], const struct hec_gen *gen, char kind,
                         uint64_t number)
{
    static const char LETTERS[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint64_t bits = mixed(mixed(gen->options.seed + (uint64_t)(unsigned char)kind) ^ number);
    text[0] = kind;
    for (int i = 1; i <= 8; i++, bits >>= 5) {
        text[i] = LETTERS[bits & 31];
    }
    text[9] = '\0';
    return text;
}

static const char *numbered(char text[TOKEN_BYTES], char kind, uint64_t number)
{
    snprintf(text, TOKEN_BYTES, "%c%08llu", kind, (unsigned long long)number);
    return text;
}

/* Documentation addresses are too few; these are of 11.0.0.0 .. 90.255.255.255. */
static const char *address(char text[TOKEN_BYTES], uint32_t number)
{
    snprintf(text, TOKEN_BYTES, "%u.%u.%u.%u", 11 + (number >> 24) % 80, (number >> 16) & 255,
             (number >> 8) & 255, number & 255);
    return text;
}

/* Room for the texts of one event. */
struct texts {
    char id[TOKEN_BYTES], user[TOKEN_BYTES], account[TOKEN_BYTES], session[TOKEN_BYTES];
    char device[TOKEN_BYTES], ip[TOKEN_BYTES], agent[TOKEN_BYTES], card[TOKEN_BYTES];
    char merchant[TOKEN_BYTES], terminal[TOKEN_BYTES], payee[TOKEN_BYTES];
};

static void fill_envelope(struct hec_event *event, struct texts *texts, const struct hec_gen *gen,
                          const struct hec_gen_draft *draft)
{
    hec_event_set_text(event, HEC_F_EVENT_ID, numbered(texts->id, 'e', draft->id));
    hec_event_set_integer(event, HEC_F_EVENT_TIME_MS, draft->at_ms);
    hec_event_set_text(event, HEC_F_USER_TOKEN, token(texts->user, gen, 'u', draft->user));
    if (draft->type == HEC_TRANSFER) {
        hec_event_set_text(event, HEC_F_ACCOUNT_TOKEN,
                           token(texts->account, gen, 'a', draft->user));
    }
    if (draft->session != 0) {
        hec_event_set_text(event, HEC_F_SESSION_ID,
                           token(texts->session, gen, 's', draft->session));
    }
    if (draft->device != 0) {
        hec_event_set_text(event, HEC_F_DEVICE_ID, token(texts->device, gen, 'd', draft->device));
    }
    if (draft->ip != 0) {
        hec_event_set_text(event, HEC_F_IP, address(texts->ip, draft->ip));
    }
    if (draft->agent != 0) {
        hec_event_set_text(event, HEC_F_USER_AGENT_HASH,
                           token(texts->agent, gen, 'h', draft->agent));
    }
    if (draft->country != NULL) {
        hec_event_set_number(event, HEC_F_GEO_LAT, (double)(int)(draft->lat * 1000) / 1000);
        hec_event_set_number(event, HEC_F_GEO_LON, (double)(int)(draft->lon * 1000) / 1000);
        hec_event_set_text(event, HEC_F_GEO_COUNTRY, draft->country);
    }
    hec_event_set_text(event, HEC_F_CHANNEL, draft->channel);
}

static void fill_payment(struct hec_event *event, struct texts *texts, const struct hec_gen *gen,
                         const struct hec_gen_draft *draft)
{
    hec_event_set_integer(event, HEC_F_AMOUNT_MINOR, draft->amount_minor);
    hec_event_set_text(event, HEC_F_CURRENCY, "EUR");
    if (draft->merchant != NULL) {
        const struct hec_gen_merchant *merchant = draft->merchant;
        uint64_t terminal = (uint64_t)merchant->id * 8 + (uint64_t)draft->terminal;
        hec_event_set_text(event, HEC_F_CARD_TOKEN, token(texts->card, gen, 'c', draft->card));
        hec_event_set_text(event, HEC_F_MERCHANT_ID,
                           token(texts->merchant, gen, 'm', merchant->id));
        hec_event_set_text(event, HEC_F_TERMINAL_ID, token(texts->terminal, gen, 't', terminal));
        hec_event_set_text(event, HEC_F_MCC, hec_gen_trades[merchant->trade].mcc);
        hec_event_set_text(event, HEC_F_MERCHANT_COUNTRY, hec_gen_places[merchant->place].country);
        hec_event_set_text(event, HEC_F_ENTRY_MODE, draft->entry_mode);
        hec_event_set_integer(event, HEC_F_CARD_PRESENT, draft->card_present);
        hec_event_set_text(event, HEC_F_RESPONSE_CODE, draft->response);
        hec_event_set_text(event, HEC_F_CVC_RESULT, draft->cvc);
        hec_event_set_text(event, HEC_F_AVS_RESULT, draft->avs);
        hec_event_set_text(event, HEC_F_THREEDS_STATUS, draft->threeds);
        hec_event_set_text(event, HEC_F_WALLET, draft->wallet);
        if (draft->recurring) {
            hec_event_set_integer(event, HEC_F_RECURRING, 1);
        }
    }
    if (draft->type == HEC_TRANSFER) {
        hec_event_set_text(event, HEC_F_CREDITOR_COUNTRY, draft->creditor_country);
        hec_event_set_text(event, HEC_F_SCHEME, draft->scheme);
        if (draft->payee_added_ms != 0) {
            hec_event_set_integer(event, HEC_F_PAYEE_ADDED_MS, draft->payee_added_ms);
        }
    }
}

static void fill(struct hec_event *event, struct texts *texts, const struct hec_gen *gen,
                 const struct hec_gen_draft *draft)
{
    event->type = draft->type;
    event->present = 0;
    fill_envelope(event, texts, gen, draft);
    if (draft->payee != 0) {
        hec_event_set_text(event, HEC_F_CREDITOR_TOKEN,
                           token(texts->payee, gen, 'p', draft->payee));
    }
    switch (draft->type) {
    case HEC_CARD_AUTH:
    case HEC_TRANSFER: fill_payment(event, texts, gen, draft); break;
    case HEC_LOGIN:
        hec_event_set_text(event, HEC_F_RESULT, draft->result);
        hec_event_set_text(event, HEC_F_AUTH_METHOD, draft->auth_method);
        hec_event_set_text(event, HEC_F_FAIL_REASON, draft->fail_reason);
        hec_event_set_text(event, HEC_F_MFA_TYPE, draft->mfa_type);
        hec_event_set_text(event, HEC_F_MFA_RESULT, draft->mfa_result);
        if (draft->bot_score >= 0) {
            hec_event_set_number(event, HEC_F_BOT_SCORE,
                                 (double)(int)(draft->bot_score * 100) / 100);
        }
        break;
    default:
        hec_event_set_text(event, HEC_F_CHANGE_TYPE, draft->change);
        hec_event_set_text(event, HEC_F_ACTOR, draft->actor);
        break;
    }
}

void hec_gen_add(struct hec_gen *gen, int64_t at_ms, enum hec_gen_due kind, uint32_t who,
                 uint64_t what)
{
    struct hec_due due = { .at_ms = at_ms, .kind = kind, .who = who, .what = what };
    gen->failed |= !hec_schedule_add(&gen->due, due);
}

void hec_gen_write(struct hec_gen *gen, struct hec_gen_draft *draft,
                   const struct hec_gen_truth *truth)
{
    static const struct {
        const char *name, *head;
    } PATTERNS[HEC_GEN_PATTERNS] = {
#define HEC_GEN_PATTERN_ROW(enumerator, name, head) [HEC_GEN_##enumerator] = { name, head },
        HEC_GEN_PATTERN_TABLE(HEC_GEN_PATTERN_ROW)
#undef HEC_GEN_PATTERN_ROW
    };
    struct hec_event event;
    struct texts texts;
    draft->id = gen->events++;
    fill(&event, &texts, gen, draft);
    hec_event_write(gen->out, &event);
    if (truth != NULL) {
        gen->frauds += truth->is_fraud;
        if (gen->truth != NULL) {
            hec_output_print(gen->truth, "%s,%s,%s,%d,%s,%lld,%s\n", texts.id,
                             PATTERNS[truth->pattern].head, PATTERNS[truth->pattern].name,
                             truth->is_fraud, hec_event_type_name(draft->type),
                             (long long)draft->at_ms, texts.user);
        }
    }
}

void hec_gen_report(struct hec_gen *gen, const struct hec_gen_draft *target, int64_t delay_ms,
                    const char *label, const char *fraud_type, const char *source)
{
    struct hec_gen_verdict *verdict = malloc(sizeof(*verdict));
    if (verdict == NULL) {
        gen->failed = true;
        return;
    }
    *verdict = (struct hec_gen_verdict){
        .target = *target, .label = label, .fraud_type = fraud_type, .source = source
    };
    hec_gen_add(gen, target->at_ms + delay_ms, HEC_GEN_LABEL, target->user, (uintptr_t)verdict);
}

void hec_gen_do_label(struct hec_gen *gen, const struct hec_due *due)
{
    struct hec_gen_verdict *verdict = (struct hec_gen_verdict *)(uintptr_t)due->what;
    struct hec_event target, label;
    struct texts texts;
    char id[TOKEN_BYTES];
    fill(&target, &texts, gen, &verdict->target);
    hec_event_label_of(&label, &target);
    hec_event_set_text(&label, HEC_F_EVENT_ID, numbered(id, 'e', gen->events++));
    hec_event_set_integer(&label, HEC_F_EVENT_TIME_MS, due->at_ms);
    hec_event_set_text(&label, HEC_F_LABEL, verdict->label);
    hec_event_set_text(&label, HEC_F_FRAUD_TYPE, verdict->fraud_type);
    hec_event_set_text(&label, HEC_F_LABEL_SOURCE, verdict->source);
    hec_event_write(gen->out, &label);
    gen->labels++;
    free(verdict);
}
