#include "base/siphash.h"

#include "base/reader.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void mix(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s);
    mix(s);
    s->v0 ^= word;
}

uint64_t siphash(const struct siphash_key *key, struct slice bytes)
{
    struct state s = {
        .v0 = key->half[0] ^ 0x736f6d6570736575u,
        .v1 = key->half[1] ^ 0x646f72616e646f6du,
        .v2 = key->half[0] ^ 0x6c7967656e657261u,
        .v3 = key->half[1] ^ 0x7465646279746573u,
    };
    struct reader r = reader_over(bytes);
    while (r.rest.len >= 8)
        absorb(&s, reader_u64(&r));
    uint64_t last = (uint64_t)bytes.len << 56;
    for (size_t i = 0; i < r.rest.len; i++)
        last |= (uint64_t)(unsigned char)r.rest.at[i] << (8 * i);
    absorb(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        mix(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
