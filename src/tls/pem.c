#include "tls/pem.h"

#include "base/check.h"
#include "tls/reason.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

static void free_block(struct tls_pem_block *block)
{
    OPENSSL_free(block->name);
    OPENSSL_free(block->header);
    OPENSSL_clear_free(block->bytes, (size_t)block->len);
}

static struct err read_blocks(BIO *text, const char *source, tls_pem_take *take, void *taker)
{
    struct tls_pem_block block;
    ERR_clear_error();
    while (PEM_read_bio(text, &block.name, &block.header, &block.bytes, &block.len) == 1) {
        struct err err = take(taker, &block);
        free_block(&block);
        TRY(err);
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    const char *reason = tls_reason();
    if (!at_end)
        return err_make(ERR_OTHER, "%s: a PEM block is broken: %s", source, reason);
    return err_none();
}

struct err tls_pem_read(struct slice text, const char *source, tls_pem_take *take, void *taker)
{
    if (text.len > TLS_PEM_MAX)
        return err_make(ERR_OTHER, "%s: longer than %d bytes", source, TLS_PEM_MAX);
    if (text.len == 0)
        return err_none();
    BIO *bio = BIO_new_mem_buf(text.at, (int)text.len);
    CHECK(bio != NULL);
    struct err err = read_blocks(bio, source, take, taker);
    BIO_free(bio);
    return err;
}

static bool is_key_line(struct slice line)
{
    struct slice tail = SLICE_LITERAL("PRIVATE KEY-----");
    return slice_starts(line, "-----BEGIN ") && slice_ends_nocase(slice_trim(line), tail);
}

bool tls_pem_next_chain(struct slice *rest, struct slice *chain)
{
    struct slice text = slice_trim(*rest);
    size_t at = 0;
    while (at < text.len) {
        struct slice after = slice_skip(text, at);
        size_t line_len = slice_find(after, '\n');
        if (at > 0 && is_key_line(slice_first(after, line_len)))
            break;
        at += line_len < after.len ? line_len + 1 : line_len;
    }
    *chain = slice_first(text, at);
    *rest = slice_skip(text, at);
    return chain->len > 0;
}
