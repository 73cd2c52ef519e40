/* The messages of a night: what is planned for each recipient and what became of it. Clients and
 * the relay host tell what they see; here it is judged. */
#ifndef TUVI_SIM_MAIL_H
#define TUVI_SIM_MAIL_H

#include "base/buf.h"
#include "sim/disk.h"

enum { SIM_RECIPIENTS_MAX = 5 };

/* Something that should happen once: how often it did, and how often it may have been forgotten. A
 * crash soon after it excuses one repetition, and so does an answer that was lost. */
struct sim_once {
    unsigned happened;
    unsigned excused;
    unsigned open;   /* how often it did so lately and was not excused yet */
    bool lost;       /* an answer was lost, once at least */
    int64_t last_us; /* when it last happened */
};

struct sim_recipient {
    bool refused;            /* the relay host says no for good */
    unsigned deferrals;      /* how often it still says "later" */
    struct sim_once arrival; /* the message arrived */
    struct sim_once report;  /* a bounce named it */
    unsigned denied;         /* it was told no for good */
    unsigned deferred;       /* it was told "later" */
    struct sim_once answer;  /* the last time that the host had an opinion about it */
    unsigned starts;         /* of the worker, when it last had */
    unsigned jumps;          /* of the clock, likewise */
    bool settled;
};

struct sim_message {
    unsigned number;
    unsigned recipient_count;
    struct sim_recipient recipients[SIM_RECIPIENTS_MAX];
    struct buf content;     /* as its client has it, lines with CRLF, before stuffing */
    unsigned transmissions; /* how often its client sent the whole of it and was not told no */
    int64_t first_us;       /* when it began the first of these */
    bool acknowledged;      /* its client was told 250 */
    bool had_no_space;      /* its client was told 452 */
    unsigned told_starts;   /* of the worker, when its sender was first told of a delay; 0: never */
};

/* A notice of delay that came, once or more: the ids of its subject and of itself, as numbers. */
struct sim_delay {
    uint64_t subject;
    uint64_t notice;
};

struct sim_mail {
    struct sim_clock *clock;
    const struct sim_weather *weather;
    struct sim_disk *disk;
    struct sim_message *messages;
    unsigned message_count;
    struct sim_delay *delays;
    size_t delay_count;
    unsigned unsettled;  /* recipients without delivery or report */
    unsigned wrong;      /* things that must never happen */
    unsigned starts;     /* of the worker */
    unsigned jumps;      /* of the clock */
    unsigned discarded;  /* reports that could not be delivered in time */
    int64_t troubled_us; /* when something last happened that delays deliveries */
    int64_t crashed_us;
};

void sim_mail_init(struct sim_mail *mail, struct sim_clock *clock, struct sim_disk *disk,
                   const struct sim_weather *weather);
void sim_mail_free(struct sim_mail *mail);

/* Something that must never happen has happened. */
__attribute__((format(printf, 2, 3))) void sim_mail_wrong(struct sim_mail *mail, const char *format,
                                                          ...);

/* NULL when there is no such message: the number is a peer's. */
struct sim_message *sim_mail_find(struct sim_mail *mail, struct slice number);

/* Something happens that may delay deliveries. */
void sim_mail_note_trouble(struct sim_mail *mail);

/* The relay host is asked about a recipient: its retry must come in time. */
void sim_mail_tried(struct sim_mail *mail, struct sim_message *message, struct sim_recipient *of);
/* It said "later", or no for good. */
void sim_mail_deferred(struct sim_mail *mail, const struct sim_message *message,
                       struct sim_recipient *of);
void sim_mail_denied(struct sim_mail *mail, const struct sim_message *message,
                     struct sim_recipient *of);
/* It took the message for a recipient, or a report about one. */
void sim_mail_arrived(struct sim_mail *mail, struct sim_message *message, struct sim_recipient *of);
void sim_mail_reported(struct sim_mail *mail, struct sim_message *message,
                       struct sim_recipient *about);
/* It took a notice of the message's delay, which names the queue id that it is about and its own
 * id. */
void sim_mail_delayed(struct sim_mail *mail, struct sim_message *message, struct slice subject,
                      struct slice notice);
/* The host's answer was heard, for it got another command; or perhaps not, for the connection is
 * lost. */
void sim_mail_heard(struct sim_mail *mail, struct sim_once *once);
void sim_mail_lost(struct sim_once *once);

/* The worker is being killed now. */
void sim_mail_note_crash(struct sim_mail *mail);
/* Replay could not read a part of the log. */
void sim_mail_note_hurt(struct sim_mail *mail);
/* Nothing goes wrong from now on: the relay host takes everybody whom it does not refuse. */
void sim_mail_heal(struct sim_mail *mail);

/* Judges what the night came to. False, and it is said why. */
bool sim_mail_judge(struct sim_mail *mail);

#endif
