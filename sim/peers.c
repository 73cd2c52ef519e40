#include "sim/peers.h"

#include "base/check.h"

#include <stdlib.h>

void sim_peers_init(struct sim_peers *peers, struct sim_net *net, struct sim_mail *mail)
{
    *peers = (struct sim_peers){
        .clock = mail->clock,
        .net = net,
        .mail = mail,
        .weather = mail->weather,
        .sink = {.port = SIM_PORT_RELAYHOST, .on = true, .accept = sim_sink_accept},
        .auth = {.port = SIM_PORT_AUTH, .on = true, .accept = sim_auth_accept},
        .dns = {.port = SIM_PORT_DNS, .on = true, .accept = sim_dns_accept},
    };
    sim_net_listen(net, &peers->sink);
    sim_net_listen(net, &peers->auth);
    sim_net_listen(net, &peers->dns);
    for (unsigned i = 0; i < peers->weather->client_count; i++)
        sim_client_start(peers);
}

void sim_on_nothing(struct stream_user *user)
{
    (void)user;
}

void sim_on_tls(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
    abort();
}

bool sim_take_line(struct stream *stream, struct buf *line)
{
    struct slice input = world_input(stream);
    size_t end = slice_find(input, '\n');
    buf_consume(line, buf_len(line));
    if (end == input.len)
        return false;
    CHECK(buf_add(line, slice_first(input, end > 0 && input.at[end - 1] == '\r' ? end - 1 : end)));
    world_consume(stream, end + 1);
    return true;
}
