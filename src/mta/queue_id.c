#include "mta/queue_id.h"

#include <string.h>

/* Digits and consonants: no vowels, so that no words come out. */
static const char alphabet[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

enum {
    SECONDS_BASE = 52,
    SECONDS_DIGITS = 6,
    MICROSECONDS_DIGITS = 4,
    ID_BASE = 51, /* without 'z', which separates */
    SLOT_BITS = 16,
    SHORT_MICROSECONDS_DIGITS = 5,
};

/* The slot's 16 bits move from the top to the bottom. */
static uint64_t rotated(uint64_t id)
{
    return id << SLOT_BITS | id >> (64 - SLOT_BITS);
}

static uint64_t unrotated(uint64_t number)
{
    return number >> SLOT_BITS | number << (64 - SLOT_BITS);
}

static void write_in_base(struct writer *w, uint64_t number, unsigned base, size_t digits_min)
{
    char digits[16];
    size_t start = sizeof digits;
    while (number > 0 || sizeof digits - start < digits_min) {
        digits[--start] = alphabet[number % base];
        number /= base;
    }
    writer_bytes(w, slice_make(digits + start, sizeof digits - start));
}

struct queue_id queue_id_make(uint64_t id, int64_t arrival_us, bool long_form)
{
    struct queue_id queue_id = {{0}};
    struct writer w = writer_over(queue_id.text, sizeof queue_id.text - 1);
    uint64_t seconds = arrival_us > 0 ? (uint64_t)arrival_us / 1000000 : 0;
    uint64_t microseconds = arrival_us > 0 ? (uint64_t)arrival_us % 1000000 : 0;
    if (long_form) {
        write_in_base(&w, seconds, SECONDS_BASE, SECONDS_DIGITS);
        write_in_base(&w, microseconds, SECONDS_BASE, MICROSECONDS_DIGITS);
        writer_byte(&w, 'z');
        write_in_base(&w, rotated(id), ID_BASE, 1);
    } else {
        writer_printf(&w, "%05llX%llX", (unsigned long long)microseconds,
                      (unsigned long long)rotated(id));
    }
    return queue_id;
}

const char *queue_id_ending(const struct queue_id *queue_id)
{
    const char *separator = memrchr(queue_id->text, 'z', strlen(queue_id->text));
    if (separator != NULL)
        return separator + 1;
    return queue_id->text[0] != '\0' ? queue_id->text + SHORT_MICROSECONDS_DIGITS : "";
}

static bool read_in_base(struct slice text, unsigned base, uint64_t *out)
{
    uint64_t number = 0;
    struct slice digits = slice_make(alphabet, base);
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        size_t digit = slice_find(digits, text.at[i]);
        if (digit == base || __builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return false;
    }
    *out = number;
    return true;
}

static bool read_hex(struct slice text, uint64_t *out)
{
    uint64_t number = 0;
    if (text.len == 0 || text.len > 16)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (ascii_is_digit(c))
            number = number << 4 | (unsigned)(c - '0');
        else if (c >= 'A' && c <= 'F')
            number = number << 4 | (unsigned)(c - 'A' + 10);
        else
            return false;
    }
    *out = number;
    return true;
}

bool queue_id_parse(struct slice text, uint64_t *id)
{
    uint64_t number;
    size_t separator = slice_find(text, 'z');
    bool read = separator < text.len
                    ? read_in_base(slice_skip(text, separator + 1), ID_BASE, &number)
                    : read_hex(slice_skip(text, SHORT_MICROSECONDS_DIGITS), &number);
    if (read)
        *id = unrotated(number);
    return read;
}
