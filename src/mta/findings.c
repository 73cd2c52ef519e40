#include "mta/findings.h"

#include "base/memory.h"
#include "proto/address.h"

#include <string.h>

struct finding_row {
    struct question question;
    enum finding_outcome outcome;
    char *data;
    size_t data_len;
};

/* ---- questions ---- */

struct slice question_key(const struct question *question)
{
    return slice_make(question->key, question->key_len);
}

static bool is_same(const struct question *a, const struct question *b)
{
    return a->kind == b->kind && a->detail == b->detail &&
           slice_equal(question_key(a), question_key(b));
}

bool question_about_name(struct question *question, enum dns_type type, struct slice name)
{
    if (name.len > 1 && name.at[name.len - 1] == '.')
        name.len--;
    if (!domain_is_valid(name))
        return false;
    *question = (struct question){.kind = QUESTION_DNS, .detail = type, .key_len = name.len};
    for (size_t i = 0; i < name.len; i++)
        question->key[i] = ascii_lower(name.at[i]);
    return true;
}

void question_about_time(struct question *question, uint32_t seconds, struct slice place)
{
    place = slice_first(place, QUESTION_KEY_MAX);
    *question = (struct question){.kind = QUESTION_TIME, .detail = seconds, .key_len = place.len};
    memcpy(question->key, place.at, place.len);
}

/* ---- the store ---- */

static void free_row(struct findings *findings, struct finding_row *row)
{
    findings->bytes -= row->data_len;
    memory_free(row->data);
}

void findings_free(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        free_row(findings, &findings->rows[i]);
    memory_free(findings->rows);
    *findings = (struct findings){0};
}

static void keep_those(struct findings *findings, bool (*is_kept)(const struct finding_row *row))
{
    size_t kept = 0;
    for (size_t i = 0; i < findings->count; i++) {
        if (is_kept(&findings->rows[i]))
            findings->rows[kept++] = findings->rows[i];
        else
            free_row(findings, &findings->rows[i]);
    }
    findings->count = kept;
}

static bool outlives_its_evaluation(const struct finding_row *row)
{
    return row->question.kind == QUESTION_DNS || row->question.kind == QUESTION_SERVICE;
}

static bool is_no_trouble(const struct finding_row *row)
{
    return row->outcome != FINDING_TROUBLE;
}

static bool is_full(const struct findings *findings)
{
    return findings->count == FINDINGS_MAX ||
           findings->bytes + FINDING_DATA_MAX > FINDINGS_BYTES_MAX;
}

void findings_begin(struct findings *findings)
{
    keep_those(findings, outlives_its_evaluation);
    if (findings->count > FINDINGS_MAX / 2 || findings->bytes > FINDINGS_BYTES_MAX / 2)
        findings_free(findings);
}

void findings_forget_services(struct findings *findings, unsigned stage)
{
    size_t kept = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct question *question = &findings->rows[i].question;
        if (question->kind == QUESTION_SERVICE && question->detail >= stage)
            free_row(findings, &findings->rows[i]);
        else
            findings->rows[kept++] = findings->rows[i];
    }
    findings->count = kept;
}

void findings_forget_trouble(struct findings *findings)
{
    keep_those(findings, is_no_trouble);
}

/* Of many records the last ones are left out. */
static struct slice fit(const struct question *question, struct slice data)
{
    struct slice rest = data, record;
    if (data.len <= FINDING_DATA_MAX)
        return data;
    if (question->kind != QUESTION_DNS)
        return slice_first(data, FINDING_DATA_MAX);
    size_t len = 0;
    while (len <= FINDING_DATA_MAX && dns_record_next(&rest, &record)) {
        data.len = len;
        len = (size_t)(rest.at - data.at);
    }
    return data;
}

void findings_add(struct findings *findings, const struct question *question,
                  enum finding_outcome outcome, struct slice data)
{
    if (is_full(findings))
        return;
    data = fit(question, data);
    findings->rows = memory_grow(findings->rows, (findings->count + 1) * sizeof *findings->rows);
    struct finding_row *row = &findings->rows[findings->count++];
    *row = (struct finding_row){*question, outcome, memory_text(data), data.len};
    findings->bytes += data.len;
}

bool findings_hold(const struct findings *findings, const struct question *question,
                   struct finding *out)
{
    *out = (struct finding){.outcome = FINDING_TROUBLE};
    if (findings == NULL)
        return false;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding_row *row = &findings->rows[i];
        if (!is_same(&row->question, question))
            continue;
        *out = (struct finding){row->outcome, slice_make(row->data, row->data_len)};
        return true;
    }
    return is_full(findings);
}
