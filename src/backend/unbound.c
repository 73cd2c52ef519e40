#include "backend/unbound.h"

#include "base/memory.h"

#include <string.h>
#include <unbound.h>

enum { CLASS_IN = 1, RCODE_NO_ERROR = 0, SERVER_MAX = 128, IN_A_THREAD = 1 };

struct unbound {
    struct ub_ctx *context;
};

static struct err failed(const char *what, int code)
{
    return err_make(ERR_OTHER, "DNS: %s: %s", what, ub_strerror(code));
}

static struct err use_servers(struct ub_ctx *context, const char *servers)
{
    struct slice rest = slice_of(servers), word;
    while (slice_next_word(&rest, ", \t\r\n", &word)) {
        char server[SERVER_MAX];
        struct writer w = writer_over(server, sizeof server - 1);
        writer_bytes(&w, word);
        server[w.len] = '\0';
        int code = ub_ctx_set_fwd(context, server);
        if (code != 0)
            return failed(server, code);
    }
    return err_none();
}

static struct err set_up(struct ub_ctx *context, const char *servers)
{
    int code = ub_ctx_async(context, IN_A_THREAD);
    if (code != 0)
        return failed("a thread", code);
    /* The servers may be on this machine, which libunbound would not ask by itself. */
    (void)ub_ctx_set_option(context, "do-not-query-localhost:", "no");
    /* Nor would it ask anybody for the names of private addresses, which a site's own DNS has. */
    (void)ub_ctx_set_option(context, "unblock-lan-zones:", "yes");
    if (servers[0] != '\0')
        return use_servers(context, servers);
    /* Without that file the servers of the root are asked, and so on downwards. */
    code = ub_ctx_resolvconf(context, NULL);
    return code == 0 || code == UB_READFILE ? err_none() : failed("/etc/resolv.conf", code);
}

struct err unbound_open(const char *servers, struct unbound **out)
{
    struct ub_ctx *context = ub_ctx_create();
    if (context == NULL)
        return err_make(ERR_OTHER, "DNS: libunbound cannot be started");
    struct err err = set_up(context, servers);
    if (err_is(&err)) {
        ub_ctx_delete(context);
        return err;
    }
    *out = memory_new(sizeof **out);
    (*out)->context = context;
    return err_none();
}

void unbound_close(struct unbound *unbound)
{
    ub_ctx_delete(unbound->context);
    memory_free(unbound);
}

int unbound_fd(const struct unbound *unbound)
{
    return ub_fd(unbound->context);
}

void unbound_process(struct unbound *unbound)
{
    (void)ub_process(unbound->context);
}

static enum dns_outcome outcome_of(const struct ub_result *result)
{
    if (result->bogus)
        return DNS_TROUBLE; /* it was tampered with */
    if (result->havedata)
        return DNS_FOUND;
    if (result->nxdomain)
        return DNS_NO_NAME;
    return result->rcode == RCODE_NO_ERROR ? DNS_NO_DATA : DNS_TROUBLE;
}

static void gather(const struct ub_result *result, struct writer *records)
{
    for (size_t i = 0; result->data[i] != NULL && i < DNS_RECORDS_MAX; i++)
        dns_record_add(records, slice_make(result->data[i], (size_t)result->len[i]));
}

static void tell(struct unbound_question *question, int error, struct ub_result *result)
{
    static char bytes[DNS_REPLY_MAX - 64];
    struct writer records = writer_over(bytes, sizeof bytes);
    question->outcome = DNS_TROUBLE;
    question->secure = false;
    if (error == 0) {
        question->outcome = outcome_of(result);
        question->secure = result->secure != 0;
        if (question->outcome == DNS_FOUND)
            gather(result, &records);
    }
    question->records = writer_slice(&records);
    ub_resolve_free(result);
    question->answered(question);
}

static void on_result(void *owner, int error, struct ub_result *result)
{
    tell(owner, error, result);
}

void unbound_ask_and_wait(struct unbound *unbound, struct unbound_question *question)
{
    struct ub_result *result = NULL;
    int error = ub_resolve(unbound->context, question->name, question->type, CLASS_IN, &result);
    tell(question, error, result);
}

bool unbound_ask(struct unbound *unbound, struct unbound_question *question)
{
    return ub_resolve_async(unbound->context, question->name, question->type, CLASS_IN, question,
                            on_result, NULL) == 0;
}
