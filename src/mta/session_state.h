/* A session's insides, for the files session*.c alone: the driver (session.c), the answers to the
 * machine's questions (session_answers.c, session_auth.c, session_message.c), what actions want
 * done to the message (session_effects.c), who the client is (session_client.c), how much it may
 * ask for (session_limits.c), what is no SMTP (session_unknown.c), how replies leave
 * (session_refusal.c), what the log is told (session_log.c). */
#ifndef TUVI_MTA_SESSION_STATE_H
#define TUVI_MTA_SESSION_STATE_H

#include "mta/client_name.h"
#include "mta/policy_client.h"
#include "mta/resolver.h"
#include "mta/session.h"
#include "mta/snapshot.h"
#include "proto/client_attributes.h"

enum {
    SESSION_HELO_MAX = 255,
    SESSION_LOGIN_MAX = 255,
    SESSION_MECHANISM_MAX = 20,
    SESSION_PEER_MAX = 384,
    SESSION_NAME_MAX = CLIENT_TEXT_MAX,
    SESSION_ARENA_MAX = 512 << 10,    /* one transaction's addresses */
    SESSION_OUTPUT_MAX = 64 << 10,    /* a client that does not read is not read either */
    SESSION_PREPENDED_MAX = 32 << 10, /* header lines that actions add to one message */
    /* One step's content, the trace header, and header lines that actions add. */
    SESSION_HELD_MAX = WORLD_INPUT_MAX + 8192 + SESSION_PREPENDED_MAX,
};

/* What a session waits for. */
enum session_wait {
    WAIT_NOTHING,
    WAIT_INPUT,
    WAIT_PROXY, /* the header with which a proxy begins */
    WAIT_TLS,
    WAIT_AUTH_SERVER, /* whether it can be reached */
    WAIT_AUTH,        /* its answer */
    WAIT_FINDING,     /* the client's name, or what policy wants to know */
    WAIT_ROOM,        /* in the log */
    WAIT_DURABLE,     /* the sync that covers the message */
    WAIT_PAUSE,
};

/* A header line that an action adds. */
struct session_prepended {
    struct session_prepended *next;
    struct slice text;
};

/* What actions want done to the message. */
struct session_effects {
    bool hold;
    struct slice filter;
    struct slice redirect;           /* to whom it goes instead of its recipients … */
    struct slice redirect_original;  /* … of whom this is the first */
    struct session_prepended *first; /* in the order in which they were wanted */
    struct session_prepended *last;
    size_t prepended_len; /* bytes that they take at most */
    bool prepended_full;  /* which the log knows */
};

/* A recipient, and what is wanted of it; where there is none, all is empty. */
struct session_naming {
    struct slice said; /* as it was named */
    struct slice name; /* with its domain completed */
    struct dsn_wish wish;
};

/* What policy decides on. */
struct session_case {
    enum facts_stage stage;
    struct session_naming naming; /* of the recipient */
};

struct session_query; /* session_service.c's own */

/* What was found out, and the question that is open. */
struct session_inquiry {
    struct session *session;
    struct findings findings;
    struct question question;
    char name[QUESTION_KEY_MAX + 1];
    struct dns_question dns;
    struct deadline pause;       /* of QUESTION_TIME */
    struct session_query *query; /* of QUESTION_SERVICE; NULL: no server was asked yet */
};

/* The mail transaction under way. */
struct transaction {
    bool has_sender;
    bool discard; /* policy wants it taken and thrown away */
    bool judged;  /* policy has seen the whole message */
    struct slice sender;
    struct slice sender_said; /* as the client named it, without a completed domain */
    struct slice auth_sender; /* who it is from, as a client that relays says; or empty */
    struct slice *recipients;
    struct slice *originals; /* as the client named them, where an alias stands for them */
    size_t recipient_count;
    size_t recipient_room;
    struct slice named_said; /* as the client named it */
    struct slice named;      /* by the first RCPT that was good */
    size_t named_count;      /* RCPTs that were good */
    size_t excess_count;     /* RCPTs that were too many */
    size_t envelope_len;     /* bytes that the addresses take in the envelope */
    bool eight_bit;          /* was declared … */
    bool eight_bit_content;  /* … and is there */
    bool utf8;
    enum dsn_return back; /* what the sender wants to be told … */
    struct slice envelope_id;
    struct dsn_wish *wishes; /* … of each recipient */
    bool has_wishes;         /* something was said about some recipient */
    uint64_t declared_len;   /* by SIZE= */
    char instance[40];       /* what policy servers know it by; empty: none was asked */
    struct session_effects effects;

    struct spool_upload *upload;
    uint64_t id;
    struct queue_id queue_id;
    int64_t arrival_us;
    uint64_t content_len;
    uint64_t wire_len; /* bytes of its chunks, when it came in_chunks */
    bool in_chunks;
    const char *failure; /* the reply that the end of the data gets instead of 250 */
    struct header_scan header;
    bool opened; /* the trace header was written; before, content gathers in `opening` */
    size_t opening_len;
    char opening[CONTENT_OPENING_MAX];
    uint64_t ticket;
};

/* From whom a content filter has the message. */
struct forwarded {
    char name[CLIENT_TEXT_MAX + 1];
    char addr[IP_TEXT_MAX];
    char ident[CLIENT_TEXT_MAX + 1];
};

struct session {
    struct stream_user user; /* first: the stream's events come here */
    struct sessions *sessions;
    struct core *core;
    struct snapshot *snapshot; /* held */
    const struct service *service;
    struct stream *stream;
    struct session_peer peer;
    char client_name[SESSION_NAME_MAX + 1];
    struct client_names names;
    bool is_described;                /* by XCLIENT: its name is what somebody says */
    int64_t naming_until_ms;          /* 0: nobody looks for the name */
    char peer_name[SESSION_PEER_MAX]; /* "unknown[192.0.2.1]" */
    struct client_visit visit;        /* counted as one of this client */
    struct client_visit seat;         /* counted as one of the service */
    struct forwarded *forwarded;      /* by XFORWARD, for the next message; NULL: nothing */
    bool proxy_due;                   /* a proxy has not yet said who the client is */
    struct smtp_server machine;
    enum session_wait wait;
    struct list_node node; /* in sessions->all */
    struct list_node wait_node;
    struct deadline deadline;
    struct tls_facts *tls; /* NULL before */
    char helo[SESSION_HELO_MAX + 1];
    bool was_early; /* it talked too early, which was logged */

    struct auth_waiter waiter;
    struct auth_request auth;
    struct slice auth_response; /* kept while the server is being reached */
    bool input_waits;           /* behind the command in work */
    bool auth_has_response;
    bool auth_asked; /* AUTH waits for the server, not EHLO */
    char mechanism[SESSION_MECHANISM_MAX + 1];
    char mechanisms[DOVECOT_AUTH_ANNOUNCE_MAX];
    char login[SESSION_LOGIN_MAX + 1]; /* empty: nobody */

    struct session_case judged;
    struct session_inquiry *inquiry; /* NULL: nothing had to be found out yet */

    struct arena arena;
    struct transaction transaction;
    struct buf held; /* content that the log had no room for */
};

/* ---- session.c ---- */

/* Goes on until input, output, or an answer is missing. The session may be gone afterwards. */
void session_run(struct session *session);
/* The client is known: TLS or the greeting comes next. */
void session_greet(struct session *session);
void session_close_stream(struct session *session);
/* The answer to the machine's open question. */
__attribute__((format(printf, 2, 3))) void session_answer(struct session *session,
                                                          const char *format, ...);
/* Waits on one of the lists of struct sessions. */
void session_wait_in(struct session *session, struct list *list, enum session_wait what);
void session_stop_waiting(struct session *session);

/* ---- session_answers.c ---- */

/* Answers, or leaves the session waiting for an answer. */
void session_find_answer(struct session *session, const struct smtp_question *question);
/* Policy decided on session->judged. */
void session_take_verdict(struct session *session, struct policy_verdict *verdict);
void session_forget_transaction(struct session *session);
void session_keep_helo(struct session *session, struct slice name);

/* One more for the envelope, unless it is there already. False: there are too many. */
bool session_add_recipient(struct session *session, struct slice recipient, struct slice original,
                           const struct dsn_wish *wish);

/* ---- session_effects.c ---- */

/* Notes what the verdict wants done to the message. What cannot be done turns it into a refusal. */
void session_effects_take(struct session *session, struct policy_verdict *verdict);
/* Header lines that go in front of everything: gives each with its line end to `store`. */
void session_effects_prepend(struct session *session,
                             void (*store)(struct session *session, struct slice content));
/* What of it is the envelope's. */
void session_effects_mark(struct session *session, struct envelope *envelope);

/* ---- session_auth.c ---- */

void session_auth_init(struct session *session);
void session_auth_offer(struct session *session); /* at EHLO */
void session_auth_start(struct session *session, const struct smtp_question *question);
void session_auth_respond(struct session *session, const struct smtp_question *question);
void session_auth_cancel(struct session *session);

/* ---- session_message.c ---- */

void session_message_begin(struct session *session);  /* DATA, and BDAT for its first chunk */
void session_message_finish(struct session *session); /* it is complete, and permitted */
void session_message_chunk(struct session *session, uint64_t size); /* one of them is complete */
/* Takes content; what the log has no room for is held, and the session waits. */
void session_message_content(struct session *session, struct slice content);
void session_message_end(struct session *session);
/* The log may have room now, or may have become durable. False: the session has to wait on. */
bool session_message_resume(struct session *session);

/* ---- session_client.c ---- */

/* The client is the one that session->peer describes: the log and the machine learn of it. */
void session_meet_client(struct session *session);
/* Reads the proxy's header, which comes before all else. */
void session_read_proxy_header(struct session *session);
void session_proxy_timed_out(struct session *session);
void session_answer_xclient(struct session *session, struct slice attributes);
void session_answer_xforward(struct session *session, struct slice attributes);
void session_forget_forwarded(struct session *session);

/* ---- session_limits.c ---- */

/* The client is counted, in place of the one that was before it. */
void session_limits_enter(struct session *session);
void session_limits_leave(struct session *session);
/* Takes a seat in the service; true: it was the last. */
bool session_limits_sit(struct session *session);
/* What is too much is logged and answered. */
bool session_limits_admit(struct session *session);
bool session_limits_allow(struct session *session, enum client_event event);
bool session_limits_allow_starttls(struct session *session);
/* A handshake has succeeded. */
void session_limits_note_tls(struct session *session);

/* ---- session_name.c ---- */

/* Looks for the client's name, and greets it then. */
void session_name_find(struct session *session);
void session_name_again(struct session *session); /* after something was found out */

/* ---- session_unknown.c ---- */

void session_answer_unknown(struct session *session, struct slice line);
/* The handshake failed, or never began: where TLS comes first, the log says what may be the matter.
 */
void session_explain_no_tls(const struct session *session, const char *reason);
void session_explain_silence(const struct session *session);
/* The client did not wait where it must, which bad software does; the log says so, and where that
 * is forbidden the session ends. */
bool session_talks_too_early(struct session *session, const struct smtp_question *question,
                             struct slice rest);
/* ---- session_policy.c ---- */

/* May it? When it is decided, at once or after the session waited for what had to be found out,
 * session_take_verdict() is called; what is refused was logged then. */
void session_judge(struct session *session, enum facts_stage stage);
/* The same about a recipient as it was named, and with its domain completed; the second stays the
 * session's. */
void session_judge_recipient(struct session *session, const struct session_naming *naming);
/* Decides again, after something was found out. */
void session_judge_again(struct session *session);
/* Logs a refusal that came after policy. */
void session_policy_log(const struct session *session, enum facts_stage stage,
                        struct slice recipient, const struct policy_verdict *verdict);

/* ---- session_refusal.c ---- */

/* Sends a reply; what a refusal looks like is mta/refusal's. */
void session_say(struct session *session, struct slice reply);

/* ---- session_inquiry.c ---- */

/* An evaluation begins. */
void session_inquiry_begin(struct session *session, enum facts_stage stage);
/* Asks; when the answer is there, policy judges again, or the name is looked for again. */
void session_inquire(struct session *session, const struct question *question);
/* The answer is there. */
void session_inquiry_learn(struct session_inquiry *inquiry, enum finding_outcome outcome,
                           struct slice data);
void session_inquiry_cancel(struct session *session);
void session_inquiry_free(struct session *session);

/* ---- session_service.c ---- */

/* The answer comes by session_inquiry_learn(). */
void session_service_ask(struct session_inquiry *inquiry);
void session_service_cancel(struct session_inquiry *inquiry);

/* ---- session_log.c ---- */

void session_log_name(struct session *session);
void session_log_connect(const struct session *session);
void session_log_disconnect(const struct session *session);
void session_log_lost(const struct session *session, const char *what);
void session_log_tls(const struct session *session);
void session_log_discarded(const struct session *session); /* keywords that EHLO leaves out */
/* "reject: RCPT from unknown[192.0.2.1]: TEXT; from=<…> to=<…> …", as programs read it. */
void session_log_policy(const struct session *session, const char *what, const char *stage,
                        struct slice text, const struct slice *recipient);
void session_log_client(const struct session *session);
void session_log_auth_failure(const struct session *session, struct slice reason,
                              struct slice user);
__attribute__((format(printf, 3, 4))) void session_log(const struct session *session,
                                                       enum log_severity severity,
                                                       const char *format, ...);

#endif
