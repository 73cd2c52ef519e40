#include "config/domain_list.h"

#include "base/memory.h"
#include "config/keep.h"
#include "config/member.h"

enum { MEMBERS_FIRST_ROOM = 8 };

struct domain_member {
    bool excluded;
    struct slice domain; /* when there is no table */
    struct table *table;
};

void domain_list_free(struct domain_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        table_free(list->members[i].table);
    memory_free(list->members);
    arena_reset(&list->texts);
    *list = (struct domain_list){0};
}

static struct err parse_member(const struct member *member, const struct table_source *source,
                               struct arena *texts, struct domain_member *out)
{
    struct domain_member parsed = {.excluded = member->excluded};
    if (member->kind == MEMBER_TABLE)
        TRY(table_compile(member->text, source, &parsed.table));
    else
        parsed.domain = slice_of(keep_text(texts, member->text));
    *out = parsed;
    return err_none();
}

static struct err parse_all(struct slice text, const struct table_source *source,
                            struct domain_list *list)
{
    struct member_reader reader = member_reader_over(text, source);
    struct member member;
    struct err err;
    size_t room = 0;
    while (member_reader_next(&reader, &member, &err)) {
        if (list->count == LIST_MEMBERS_MAX)
            return err_make(ERR_OTHER, "more than %d members", LIST_MEMBERS_MAX);
        if (list->count == room) {
            room = room > 0 ? 2 * room : MEMBERS_FIRST_ROOM;
            list->members = memory_grow(list->members, room * sizeof *list->members);
        }
        err = parse_member(&member, source, &list->texts, &list->members[list->count]);
        if (err_is(&err))
            return member_reader_wrong(&reader, &err);
        list->count++;
    }
    return err;
}

struct err domain_list_parse(struct slice text, enum domain_match match,
                             const struct table_source *source, struct domain_list *out)
{
    struct domain_list list = {.match = match, .texts = keep_make()};
    struct err err = parse_all(text, source, &list);
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

/* A table is asked for the domain, and where parents match for each of its parents too. One in
 * trouble does not hold it: a domain that is not surely ours is foreign. */
static bool table_holds(const struct table *table, struct slice domain, bool parents)
{
    enum table_key kind = TABLE_KEY_WHOLE;
    while (domain.len > 0) {
        if (table_find(table, kind, domain, NULL) == TABLE_FOUND)
            return true;
        if (!parents)
            return false;
        kind = TABLE_KEY_PART;
        domain = slice_skip(domain, slice_find(domain, '.') + 1);
    }
    return false;
}

static bool member_matches(const struct domain_member *member, enum domain_match match,
                           struct slice domain)
{
    if (member->table != NULL)
        return table_holds(member->table, domain, match == DOMAIN_AND_BELOW);
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
