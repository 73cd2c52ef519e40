#include "config/domain_list.h"

#include "base/memory.h"
#include "config/fixed_table.h"
#include "config/member.h"

struct domain_member {
    bool excluded;
    bool is_table;
    struct slice domain;
    struct fixed_table table;
};

void domain_list_free(struct domain_list *list)
{
    memory_free(list->members);
    memory_free(list->text);
    *list = (struct domain_list){0};
}

static struct err parse_member(const struct member *member, struct domain_member *out)
{
    struct domain_member parsed = {.excluded = member->excluded, .domain = member->text};
    parsed.is_table = member->kind == MEMBER_TABLE;
    if (member->kind == MEMBER_FILE)
        return member_unsupported(member);
    if (parsed.is_table)
        TRY(fixed_table_parse(member->text, &parsed.table));
    *out = parsed;
    return err_none();
}

static size_t count_members(struct slice text)
{
    struct member member;
    size_t count = 0;
    while (member_next(&text, &member))
        count++;
    return count;
}

static struct err parse_all(struct domain_list *list)
{
    struct slice rest = slice_of(list->text);
    struct member member;
    while (member_next(&rest, &member)) {
        TRY(parse_member(&member, &list->members[list->count]));
        list->count++;
    }
    return err_none();
}

struct err domain_list_parse(struct slice text, enum domain_match match, struct domain_list *out)
{
    struct domain_list list = {.match = match};
    size_t count = count_members(text);
    if (count > LIST_MEMBERS_MAX)
        return err_make(ERR_OTHER, "more than %d members", LIST_MEMBERS_MAX);
    list.text = memory_text(text);
    list.members = memory_new(count * sizeof *list.members);
    struct err err = parse_all(&list);
    if (err_is(&err))
        domain_list_free(&list);
    else
        *out = list;
    return err;
}

static bool is_below(struct slice domain, struct slice parent)
{
    return domain.len > parent.len && domain.at[domain.len - parent.len - 1] == '.' &&
           slice_ends_nocase(domain, parent);
}

/* A table is asked for the domain, and where parents match for each of its parents too. */
static bool table_holds(const struct fixed_table *table, struct slice domain, bool parents)
{
    struct slice answer;
    while (domain.len > 0) {
        if (fixed_table_find(table, domain, &answer))
            return true;
        if (!parents)
            return false;
        domain = slice_skip(domain, slice_find(domain, '.') + 1);
    }
    return false;
}

static bool member_matches(const struct domain_member *member, enum domain_match match,
                           struct slice domain)
{
    if (member->is_table)
        return table_holds(&member->table, domain, match == DOMAIN_AND_BELOW);
    if (slice_equal_nocase(member->domain, domain))
        return true;
    if (match == DOMAIN_AND_BELOW)
        return is_below(domain, member->domain);
    return match == DOMAIN_DOT_IS_BELOW && slice_starts(member->domain, ".") &&
           slice_ends_nocase(domain, member->domain);
}

bool domain_list_holds(const struct domain_list *list, struct slice domain)
{
    for (size_t i = 0; i < list->count; i++)
        if (member_matches(&list->members[i], list->match, domain))
            return !list->members[i].excluded;
    return false;
}
