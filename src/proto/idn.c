#include "proto/idn.h"

#include "base/utf8.h"
#include "proto/address.h"

#include <idn2.h>
#include <string.h>

/* libidn2 wants a C string, and no name of the DNS is longer. */
static bool copy(struct slice domain, char text[IDN_MAX])
{
    if (domain.len == 0 || domain.len >= IDN_MAX || slice_find(domain, '\0') < domain.len)
        return false;
    memcpy(text, domain.at, domain.len);
    text[domain.len] = '\0';
    return true;
}

bool idn_to_ascii(struct slice domain, struct writer *out)
{
    char text[IDN_MAX], *ascii = NULL;
    if (!copy(domain, text) ||
        idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return false;
    bool good = domain_is_valid(slice_of(ascii));
    if (good)
        writer_text(out, ascii);
    idn2_free(ascii);
    return good && !out->overflow;
}

bool idn_to_unicode(struct slice domain, struct writer *out)
{
    char text[IDN_MAX], *unicode = NULL;
    if (!copy(domain, text) || idn2_to_unicode_8z8z(text, &unicode, 0) != IDN2_OK)
        return false;
    bool good = !utf8_is_ascii(slice_of(unicode));
    if (good)
        writer_text(out, unicode);
    idn2_free(unicode);
    return good && !out->overflow;
}

static bool is_of_another_script(struct slice domain)
{
    if (!utf8_is_ascii(domain))
        return true;
    for (size_t i = 0; i + 4 <= domain.len; i++)
        if (slice_starts_nocase(slice_skip(domain, i), "xn--"))
            return true;
    return false;
}

bool idn_form(struct slice domain, enum idn_form form, struct writer *out)
{
    char ascii[IDN_MAX];
    struct writer w = writer_over(ascii, sizeof ascii);
    if (!is_of_another_script(domain))
        return false;
    if (form == IDN_ASCII)
        return idn_to_ascii(domain, out);
    return idn_to_ascii(domain, &w) && idn_to_unicode(writer_slice(&w), out);
}
