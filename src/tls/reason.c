#include "tls/reason.h"

#include <stddef.h>

#include <openssl/err.h>

const char *tls_reason_of(unsigned long code)
{
    const char *reason = ERR_reason_error_string(code);
    return reason != NULL ? reason : "unknown trouble";
}

const char *tls_reason(void)
{
    const char *reason = tls_reason_of(ERR_peek_error());
    ERR_clear_error();
    return reason;
}
