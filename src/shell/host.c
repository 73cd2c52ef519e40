/* Host names: world_find_host() over the system's resolver, in the loop's pool. */
#include "base/memory.h"
#include "shell/stream.h"
#include "shell/world.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

struct lookup {
    uv_getaddrinfo_t request;
    struct world_work refusal; /* tells later what is known at once: this is no name */
    struct host_question *question;
};

static bool is_known(const struct host_question *question, const struct ip *ip)
{
    for (size_t i = 0; i < question->address_count; i++)
        if (ip_equal(&question->addresses[i], ip))
            return true;
    return false;
}

static void take_addresses(struct host_question *question, const struct addrinfo *found)
{
    for (; found != NULL && question->address_count < HOST_ADDRESSES_MAX; found = found->ai_next) {
        struct ip ip;
        uint16_t port;
        if (ip_from_sockaddr(found->ai_addr, &ip, &port) && !is_known(question, &ip))
            question->addresses[question->address_count++] = ip;
    }
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = CONTAINER_OF(request, struct lookup, request);
    struct host_question *question = lookup->question;
    take_addresses(question, found);
    uv_freeaddrinfo(found);
    memory_free(lookup);
    if (question->address_count > 0)
        question->outcome = HOST_FOUND;
    else if (status == UV_EAI_NONAME || status == UV_EAI_NODATA || status == UV_EAI_ADDRFAMILY)
        question->outcome = HOST_ABSENT;
    else
        question->outcome = HOST_TROUBLE;
    question->answered(question);
}

static void do_nothing(struct world_work *work)
{
    (void)work;
}

static void on_refusal(struct world_work *work)
{
    struct lookup *lookup = CONTAINER_OF(work, struct lookup, refusal);
    on_found(&lookup->request, UV_EAI_NONAME, NULL);
}

void world_find_host(struct world *world, struct host_question *question)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = memory_new(sizeof *lookup);
    lookup->question = question;
    question->address_count = 0;
    if (uv_getaddrinfo(&world->loop, &lookup->request, on_found, question->name, NULL, &hints) == 0)
        return;
    lookup->refusal = (struct world_work){.run = do_nothing, .done = on_refusal};
    world_work_start(world, &lookup->refusal);
}
