#include "sim/mail.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    CONTENT_MAX = 250000,
    LARGE_MAX = 200000,
    US_PER_S = 1000000,
    CLOCK_SLACK_US = 2 * US_PER_S,
    REST_S = 30,     /* beyond what is configured */
    TIMEOUT_S = 700, /* the longest that a delivery waits for an answer */
};

/* ---- messages ---- */

static void add_noise(struct sim_clock *clock, struct buf *content, size_t length)
{
    while (length > 0) {
        uint64_t chance = sim_chance(clock, UINT64_MAX);
        char bytes[sizeof chance];
        size_t piece = length < sizeof bytes ? length : sizeof bytes;
        memcpy(bytes, &chance, sizeof bytes);
        for (size_t i = 0; i < piece; i++)
            if (bytes[i] == '\r' || bytes[i] == '\n')
                bytes[i] = '.';
        buf_add(content, slice_make(bytes, piece));
        length -= piece;
    }
}

static void add_line(struct sim_clock *clock, struct buf *content)
{
    static const char *const starts[] = {".", "..", "", "x", "From ", ".\t", "Received: fake"};
    size_t length = (size_t)sim_chance(clock, sim_once_in(clock, 8) ? 5000 : 90);
    buf_add_text(content, starts[sim_chance(clock, sizeof starts / sizeof *starts)]);
    add_noise(clock, content, length);
    buf_add_text(content, "\r\n");
}

static void make_content(struct sim_mail *mail, struct sim_message *message)
{
    bool large = sim_once_in(mail->clock, mail->weather->large_one_in);
    size_t wanted = (size_t)sim_chance(mail->clock, large ? LARGE_MAX : 3000);
    message->content = buf_make(CONTENT_MAX);
    buf_add_printf(&message->content,
                   "X-Sim: %u\r\nMessage-ID: <%u@sim>\r\nSubject: message %u\r\n\r\n",
                   message->number, message->number, message->number);
    while (buf_len(&message->content) < wanted)
        add_line(mail->clock, &message->content);
}

static void make_message(struct sim_mail *mail, struct sim_message *message, unsigned number)
{
    struct sim_clock *clock = mail->clock;
    message->number = number;
    message->recipient_count = 1 + (unsigned)sim_chance(clock, SIM_RECIPIENTS_MAX);
    for (unsigned i = 0; i < message->recipient_count; i++) {
        message->recipients[i].refused = sim_once_in(clock, 10);
        if (sim_once_in(clock, 5))
            message->recipients[i].deferrals =
                sim_once_in(clock, 5) ? 1000000 : 1 + (unsigned)sim_chance(clock, 4);
    }
    mail->unsettled += message->recipient_count;
    make_content(mail, message);
}

void sim_mail_init(struct sim_mail *mail, struct sim_clock *clock, struct sim_disk *disk,
                   const struct sim_weather *weather)
{
    *mail = (struct sim_mail){.clock = clock,
                              .weather = weather,
                              .disk = disk,
                              .message_count = weather->message_count,
                              .troubled_us = -1,
                              .crashed_us = -1};
    mail->messages = memory_new(mail->message_count * sizeof *mail->messages);
    for (unsigned i = 0; i < mail->message_count; i++)
        make_message(mail, &mail->messages[i], i);
}

void sim_mail_free(struct sim_mail *mail)
{
    for (unsigned i = 0; i < mail->message_count; i++)
        buf_free(&mail->messages[i].content);
    memory_free(mail->messages);
    memory_free(mail->delays);
}

struct sim_message *sim_mail_find(struct sim_mail *mail, struct slice number)
{
    uint64_t value;
    if (!slice_to_number(number, mail->message_count - 1, &value))
        return NULL;
    return &mail->messages[value];
}

void sim_mail_wrong(struct sim_mail *mail, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    mail->wrong++;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?'; /* it may be what a message holds */
    printf("wrong: %s\n", text);
}

/* ---- what happens ---- */

/* What happened long ago was written down; but of two copies of a message one may still be under
 * way. */
static void happen(struct sim_mail *mail, const struct sim_message *message, struct sim_once *once)
{
    if (message->transmissions == 1 && once->last_us < sim_disk_horizon_us(mail->disk))
        once->open = 0;
    once->happened++;
    once->open++;
    once->last_us = mail->clock->now_us;
}

static void excuse(struct sim_once *once)
{
    once->excused += once->open;
    once->open = 0;
}

void sim_mail_heard(struct sim_mail *mail, struct sim_once *once)
{
    once->last_us = mail->clock->now_us;
}

void sim_mail_lost(struct sim_once *once)
{
    once->lost = true;
    excuse(once);
}

void sim_mail_note_trouble(struct sim_mail *mail)
{
    mail->troubled_us = mail->clock->now_us;
}

static void settle(struct sim_mail *mail, struct sim_recipient *recipient)
{
    mail->unsettled -= !recipient->settled;
    recipient->settled = true;
}

static int64_t backoff_us(const struct sim_mail *mail, unsigned tries)
{
    int64_t wait_s = mail->weather->backoff_min_s;
    for (unsigned i = 1; i < tries && wait_s < mail->weather->backoff_max_s; i++)
        wait_s *= 2;
    return (wait_s < mail->weather->backoff_max_s ? wait_s : mail->weather->backoff_max_s) *
           US_PER_S;
}

/* Since then, and so long before that no destination is at rest for it. */
static bool was_untroubled(const struct sim_mail *mail, int64_t since_us)
{
    int64_t long_before_us = since_us - (mail->weather->backoff_min_s + TIMEOUT_S) * US_PER_S;
    return mail->troubled_us < long_before_us && mail->disk->troubled_us < long_before_us;
}

/* Never before minimal_backoff_time, doubled with each try, has passed, and not long after
 * maximal_backoff_time. A crash may have cost the last result, or all when the log was hurt; and
 * who comes twice, because his client sent twice, has two schedules. */
void sim_mail_tried(struct sim_mail *mail, struct sim_message *message, struct sim_recipient *of)
{
    int64_t waited_us = mail->clock->now_us - of->answer.last_us;
    unsigned surely = of->answer.happened - of->answer.excused;
    bool jumped = of->jumps != mail->jumps;
    if (of->deferred == 0 || message->transmissions != 1 || of->arrival.happened > 0)
        return;
    if (of->starts != mail->starts)
        sim_note(mail->clock, POINT_RETRY_AFTER_RESTART);
    if (message->told_starts != 0 && message->told_starts != mail->starts)
        sim_note(mail->clock, POINT_RETRY_AFTER_DELAY_TOLD);
    if (of->deferred == 3)
        sim_note(mail->clock, POINT_FOURTH_TRY);
    if (of->answer.open > 0 && surely > 0 && !jumped && mail->disk->hurt == 0 &&
        waited_us < backoff_us(mail, surely) - CLOCK_SLACK_US)
        sim_mail_wrong(mail, "message %u: tried again after %lld ms, %u tries before",
                       message->number, (long long)waited_us / 1000, surely);
    /* Content in a segment that could not be read is out of reach, and the mail waits in vain. */
    if (was_untroubled(mail, of->answer.last_us) && !jumped && mail->disk->hurt == 0 &&
        waited_us > (mail->weather->backoff_max_s + REST_S) * US_PER_S)
        sim_mail_wrong(mail, "message %u: tried again only after %lld s", message->number,
                       (long long)waited_us / US_PER_S);
}

static void note_answer(struct sim_mail *mail, const struct sim_message *message,
                        struct sim_recipient *of)
{
    happen(mail, message, &of->answer);
    of->starts = mail->starts;
    of->jumps = mail->jumps;
}

void sim_mail_deferred(struct sim_mail *mail, const struct sim_message *message,
                       struct sim_recipient *of)
{
    of->deferred++;
    note_answer(mail, message, of);
}

void sim_mail_denied(struct sim_mail *mail, const struct sim_message *message,
                     struct sim_recipient *of)
{
    of->denied++;
    note_answer(mail, message, of);
}

void sim_mail_arrived(struct sim_mail *mail, struct sim_message *message, struct sim_recipient *of)
{
    if (message->transmissions == 0)
        sim_mail_wrong(mail, "message %u arrived before it was sent", message->number);
    if (of->arrival.happened > 0 && of->arrival.excused > 0)
        sim_note(mail->clock, of->arrival.lost ? POINT_ANSWER_LOST : POINT_DELIVERED_DONE_LOST);
    if (!message->acknowledged && mail->starts > 1)
        sim_note(mail->clock, POINT_ACCEPTED_WITHOUT_REPLY);
    happen(mail, message, &of->arrival);
    settle(mail, of);
}

/* However the clock jumped. After a start it is not known how long ago the last try was, and each
 * jump may make one wait look as if it were over. */
static bool may_have_expired(const struct sim_mail *mail, const struct sim_message *message)
{
    int64_t age_us = mail->clock->now_us - message->first_us;
    int64_t slack_us = CLOCK_SLACK_US;
    if (mail->jumps > 0 && mail->starts > 1)
        slack_us += (1 + mail->jumps) * mail->weather->backoff_max_s * US_PER_S;
    return age_us >= mail->weather->lifetime_s * US_PER_S - slack_us;
}

void sim_mail_reported(struct sim_mail *mail, struct sim_message *message,
                       struct sim_recipient *about)
{
    if (message->transmissions == 0)
        sim_mail_wrong(mail, "message %u was reported before it was sent", message->number);
    if (about->denied == 0 && mail->disk->hurt == 0 && !may_have_expired(mail, message))
        sim_mail_wrong(mail, "message %u: reported without a reason", message->number);
    if (about->denied == 0)
        sim_note(mail->clock, POINT_EXPIRED);
    if (about->report.happened > 0 && about->answer.excused > 0)
        sim_note(mail->clock, POINT_BOUNCED_DONE_LOST);
    happen(mail, message, &about->report);
    settle(mail, about);
}

/* FNV-1a */
static uint64_t number_of(struct slice text)
{
    uint64_t number = 0xcbf29ce484222325;
    for (size_t i = 0; i < text.len; i++)
        number = (number ^ (unsigned char)text.at[i]) * 0x100000001b3;
    return number;
}

/* The notice itself may come again, as any message may; but there is one about each message, at
 * whatever moment the worker was killed. */
static void judge_delay(struct sim_mail *mail, const struct sim_message *message,
                        const struct sim_delay *delay)
{
    for (size_t i = 0; i < mail->delay_count; i++) {
        if (mail->delays[i].subject != delay->subject)
            continue;
        if (mail->delays[i].notice != delay->notice && mail->disk->hurt == 0)
            sim_mail_wrong(mail, "message %u: two notices of one delay", message->number);
        return;
    }
    mail->delays = memory_grow(mail->delays, (mail->delay_count + 1) * sizeof *mail->delays);
    mail->delays[mail->delay_count++] = *delay;
}

void sim_mail_delayed(struct sim_mail *mail, struct sim_message *message, struct slice subject,
                      struct slice notice)
{
    struct sim_delay delay = {.subject = number_of(subject), .notice = number_of(notice)};
    int64_t age_us = mail->clock->now_us - message->first_us;
    if (message->transmissions == 0)
        sim_mail_wrong(mail, "message %u was late before it was sent", message->number);
    /* A disk that could not be read for a while hid tries, which took less time for it. */
    if (mail->jumps == 0 && mail->disk->hurt == 0 &&
        age_us < mail->weather->delay_s * US_PER_S - CLOCK_SLACK_US)
        sim_mail_wrong(mail, "message %u: told of a delay after %lld s", message->number,
                       (long long)age_us / US_PER_S);
    sim_note(mail->clock, POINT_DELAY_TOLD);
    if (message->told_starts == 0)
        message->told_starts = mail->starts;
    judge_delay(mail, message, &delay);
}

/* ---- crashes ---- */

static void forget_last(struct sim_mail *mail, struct sim_once *once)
{
    if (once->last_us >= sim_disk_horizon_us(mail->disk))
        excuse(once);
}

static void forget_all(struct sim_mail *mail, struct sim_once *once)
{
    (void)mail;
    if (once->happened > once->excused)
        once->open = once->happened - once->excused;
    excuse(once);
}

static void forget(struct sim_mail *mail, void (*each)(struct sim_mail *, struct sim_once *))
{
    for (unsigned i = 0; i < mail->message_count; i++) {
        struct sim_message *message = &mail->messages[i];
        for (unsigned k = 0; k < message->recipient_count; k++) {
            each(mail, &message->recipients[k].arrival);
            each(mail, &message->recipients[k].report);
            each(mail, &message->recipients[k].answer);
        }
    }
}

/* Mail whose content could not be read may have come back just now, without the host being asked:
 * its report may be on disk, and that it is done not. */
static void forget_reports(struct sim_mail *mail)
{
    for (unsigned i = 0; i < mail->message_count; i++)
        for (unsigned k = 0; k < mail->messages[i].recipient_count; k++)
            mail->messages[i].recipients[k].report.excused++;
}

void sim_mail_note_crash(struct sim_mail *mail)
{
    mail->crashed_us = mail->troubled_us = mail->clock->now_us;
    forget(mail, forget_last);
    if (mail->disk->unread_us >= sim_disk_horizon_us(mail->disk))
        forget_reports(mail);
}

void sim_mail_note_hurt(struct sim_mail *mail)
{
    forget(mail, forget_all);
}

void sim_mail_heal(struct sim_mail *mail)
{
    for (unsigned i = 0; i < mail->message_count; i++)
        for (unsigned k = 0; k < mail->messages[i].recipient_count; k++)
            mail->messages[i].recipients[k].deferrals = 0;
}

/* ---- judging ---- */

/* What replay could not read is lost to the worker, but its record must still be there for people,
 * set aside or in its place: that of the message, or that of the report about the recipient. */
static bool is_in_the_log(const struct sim_mail *mail, const struct sim_message *message,
                          unsigned k)
{
    char recipient[64];
    snprintf(recipient, sizeof recipient, "%u-%u@to.sim", message->number, k);
    return mail->disk->hurt > 0 && sim_disk_holds(mail->disk, slice_of(recipient));
}

/* A report that nobody takes is given up in the end, and that is said. */
static bool is_kept(const struct sim_mail *mail, const struct sim_message *message, unsigned k)
{
    if (message->recipients[k].settled)
        return true;
    return message->acknowledged && (mail->discarded > 0 || is_in_the_log(mail, message, k));
}

static bool judge_recipient(struct sim_mail *mail, const struct sim_message *message, unsigned k)
{
    const struct sim_recipient *recipient = &message->recipients[k];
    unsigned copies = message->transmissions;
    bool good = is_kept(mail, message, k);
    if (!good)
        printf("message %u, recipient %u: neither delivered nor reported%s\n", message->number, k,
               message->acknowledged ? ", but acknowledged" : "");
    if (recipient->arrival.happened > copies + recipient->arrival.excused) {
        printf("message %u, recipient %u: delivered %u times, sent %u times, excused %u times\n",
               message->number, k, recipient->arrival.happened, copies, recipient->arrival.excused);
        good = false;
    }
    if (recipient->report.happened >
        copies + recipient->report.excused + recipient->answer.excused) {
        printf("message %u, recipient %u: reported %u times without an excuse\n", message->number,
               k, recipient->report.happened);
        good = false;
    }
    return good;
}

bool sim_mail_judge(struct sim_mail *mail)
{
    bool good = mail->wrong == 0;
    for (unsigned i = 0; i < mail->message_count; i++)
        for (unsigned k = 0; k < mail->messages[i].recipient_count; k++)
            good = judge_recipient(mail, &mail->messages[i], k) && good;
    return good;
}
