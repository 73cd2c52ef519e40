/* The resolve role, over its protocol, and as wayward as the weather. It knows the mail servers of
 * relay.sim, their addresses and the name of the clients; what it knows it never denies, so that no
 * mail comes back for what it says. */
#include "sim/peers.h"

#include "base/check.h"
#include "base/memory.h"
#include "proto/dns_request.h"

enum { LATE_US = 150000000, REPLIES_MAX = 64 << 10, RECORDS_MAX = 1024 };

struct dns {
    struct stream_user user;
    struct sim_peers *peers;
    struct stream *stream;
    struct buf replies;
    struct sim_event reply;
};

static void retire(struct dns *dns)
{
    sim_cancel(dns->peers->clock, &dns->reply);
    buf_free(&dns->replies);
    memory_free(dns);
}

/* ---- what it knows ---- */

static void add_name(struct writer *w, struct slice name)
{
    while (name.len > 0) {
        struct slice label = slice_first(name, slice_find(name, '.'));
        writer_u8(w, (uint8_t)label.len);
        writer_bytes(w, label);
        name = slice_skip(name, label.len + 1);
    }
    writer_u8(w, 0);
}

static void add_server(struct writer *records, uint16_t preference, const char *name)
{
    char bytes[DNS_NAME_MAX + 2];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_u16(&w, preference);
    add_name(&w, slice_of(name));
    dns_record_add(records, writer_slice(&w));
}

static void add_address(struct writer *records, const char *text)
{
    struct ip ip;
    CHECK(ip_parse(slice_of(text), &ip));
    dns_record_add(records, slice_make((const char *)ip.bytes, ip_bits(ip.family) / 8));
}

static void add_records(const struct dns_request *request, struct writer *records)
{
    char bytes[DNS_NAME_MAX + 1];
    struct writer name = writer_over(bytes, sizeof bytes);
    if (request->type == DNS_MX && slice_is(request->name, "relay.sim")) {
        add_server(records, 20, "second.relay.sim");
        add_server(records, 10, "first.relay.sim");
    } else if (request->type == DNS_A && slice_is(request->name, "first.relay.sim")) {
        add_address(records, "192.0.2.1");
    } else if (request->type == DNS_A && slice_is(request->name, "second.relay.sim")) {
        add_address(records, "192.0.2.2");
        add_address(records, "192.0.2.3");
    } else if (request->type == DNS_PTR && slice_is(request->name, "1.0.0.127.in-addr.arpa")) {
        add_name(&name, slice_of("client.sim"));
        dns_record_add(records, writer_slice(&name));
    } else if (request->type == DNS_A && slice_is(request->name, "client.sim")) {
        add_address(records, "127.0.0.1");
    }
}

static void answer(struct dns *dns, const struct dns_request *request, bool in_trouble)
{
    char memory[RECORDS_MAX], bytes[RECORDS_MAX];
    struct writer records = writer_over(memory, sizeof memory),
                  w = writer_over(bytes, sizeof bytes);
    struct dns_reply reply = {.id = request->id, .outcome = DNS_TROUBLE};
    if (!in_trouble) {
        add_records(request, &records);
        reply.outcome = records.len > 0 ? DNS_FOUND : DNS_NO_DATA;
        reply.records = writer_slice(&records);
    }
    dns_reply_write(&w, &reply);
    CHECK(!w.overflow && buf_add(&dns->replies, writer_slice(&w)));
}

/* ---- how it says so ---- */

static void on_reply(struct sim_event *event)
{
    struct dns *dns = CONTAINER_OF(event, struct dns, reply);
    world_send(dns->stream, buf_slice(&dns->replies));
    buf_consume(&dns->replies, buf_len(&dns->replies));
}

static void say_later(struct dns *dns, int64_t delay_us)
{
    if (!heap_holds(&dns->reply.node))
        sim_plan(dns->peers->clock, &dns->reply, delay_us, on_reply);
}

static void say_nonsense(struct dns *dns, const struct dns_request *request)
{
    struct dns_request other = *request;
    if (sim_once_in(dns->peers->clock, 2)) {
        CHECK(buf_add(&dns->replies, slice_of("\xff\xff\xff\xff no frame")));
    } else { /* to a question that nobody asked, and to this one twice */
        other.id += 1000000;
        answer(dns, &other, false);
        answer(dns, request, false);
        answer(dns, request, true);
    }
}

/* True: the role is gone. */
static bool misbehave(struct dns *dns, const struct dns_request *request)
{
    struct sim_clock *clock = dns->peers->clock;
    sim_mail_note_trouble(dns->peers->mail);
    switch (sim_chance(clock, 4)) {
    case 0:
        sim_note(clock, FAULT_DNS_LATE);
        answer(dns, request, false);
        say_later(dns, (int64_t)sim_chance(clock, LATE_US));
        return false;
    case 1:
        sim_note(clock, FAULT_DNS_TROUBLE);
        answer(dns, request, true);
        break;
    case 2:
        sim_note(clock, FAULT_DNS_NONSENSE);
        say_nonsense(dns, request);
        break;
    default:
        sim_note(clock, FAULT_DNS_VANISHED);
        sim_stream_cut(dns->stream);
        retire(dns);
        return true;
    }
    say_later(dns, 0);
    return false;
}

/* ---- the stream's events ---- */

static void on_input(struct stream_user *user)
{
    struct dns *dns = CONTAINER_OF(user, struct dns, user);
    struct slice whole = world_input(dns->stream), input = whole;
    struct dns_request request;
    enum dns_step step;
    while ((step = dns_request_next(&input, &request)) == DNS_WHOLE) {
        if (!sim_once_in(dns->peers->clock, dns->peers->weather->dns_one_in)) {
            answer(dns, &request, false);
            say_later(dns, 0);
        } else if (misbehave(dns, &request)) {
            return;
        }
    }
    CHECK(step == DNS_NEED_INPUT);
    world_consume(dns->stream, whole.len - input.len);
    if (!world_input_ended(dns->stream))
        return;
    world_close(dns->stream);
    retire(dns);
}

static void on_closed(struct stream_user *user, const char *reason)
{
    (void)reason;
    retire(CONTAINER_OF(user, struct dns, user));
}

static const struct stream_events events = {sim_on_nothing, on_input, sim_on_nothing, sim_on_tls,
                                            on_closed};

struct stream_user *sim_dns_accept(struct sim_listener *listener, struct stream *stream)
{
    struct dns *dns = memory_new(sizeof *dns);
    dns->user.events = &events;
    dns->peers = CONTAINER_OF(listener, struct sim_peers, dns);
    dns->stream = stream;
    dns->replies = buf_make(REPLIES_MAX);
    return &dns->user;
}
