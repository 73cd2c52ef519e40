#include "mta/expansion.h"

#include "base/memory.h"
#include "base/writer.h"
#include "config/checks.h"
#include "proto/address.h"
#include "proto/idn.h"

enum {
    KEY_MAX = ADDRESS_MAX + IDN_MAX + 2,
    ANSWER_MAX = 64 << 10, /* bytes of one entry of a table */
};

/* ---- the tables ---- */

static void compile(const struct parameters *parameters, enum parameter parameter, const char *text,
                    enum table_syntax syntax, struct table_list *out, struct config_notes *notes)
{
    struct table_source source = table_source_of(parameters, notes);
    source.syntax = syntax;
    struct err err = table_list_compile(slice_of(text), &source, out);
    parameter_report(parameters, parameter, &err, notes);
}

void alias_lists_make(const struct parameters *parameters, struct alias_lists *out,
                      struct config_notes *notes)
{
    *out = (struct alias_lists){.parameters = parameters};
    compile(parameters, PARAMETER_virtual_alias_maps, parameters->virtual_alias_maps,
            TABLE_SYNTAX_POSTMAP, &out->virtual_aliases, notes);
    if (parameters->mydestination[0] != '\0') /* else nobody asks it */
        compile(parameters, PARAMETER_alias_maps, parameters->alias_maps, TABLE_SYNTAX_ALIASES,
                &out->local_aliases, notes);
}

void alias_lists_free(struct alias_lists *lists)
{
    table_list_free(&lists->virtual_aliases);
    table_list_free(&lists->local_aliases);
}

/* ---- the addresses found so far ---- */

/* What is still to be looked up for an address. */
enum stage { STAGE_VIRTUAL, STAGE_LOCAL, STAGE_DONE };

struct item {
    struct slice text;
    enum stage stage;
    bool is_final; /* no table knows it */
};

struct work {
    const struct alias_lists *lists;
    const struct parameters *parameters;
    const struct address_classes *classes;
    struct arena *arena;
    struct item *items; /* found so far; those before `next` have been looked up */
    size_t count, next, room;
    char *answer; /* ANSWER_MAX bytes */
    const char *trouble;
};

static bool has_item(const struct work *work, struct slice text, enum stage stage)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->items[i].stage == stage && slice_equal_nocase(work->items[i].text, text))
            return true;
    return false;
}

static void add_item(struct work *work, struct slice text, enum stage stage)
{
    struct item item = {.stage = stage};
    if (has_item(work, text, stage))
        return;
    if (work->count >= (size_t)work->parameters->virtual_alias_expansion_limit) {
        work->trouble = "the alias stands for more addresses than virtual_alias_expansion_limit";
        return;
    }
    if (!arena_copy(work->arena, text, &item.text)) {
        work->trouble = "the alias stands for more addresses than there is memory for";
        return;
    }
    if (work->count == work->room) {
        work->room = work->room > 0 ? 2 * work->room : 8;
        work->items = memory_grow(work->items, work->room * sizeof item);
    }
    work->items[work->count++] = item;
}

/* ---- what a table says ---- */

/* Where an address was found, and what of it was left out of the key. */
struct match {
    struct slice answer;
    struct slice local;     /* of the address that was looked up */
    struct slice extension; /* with its delimiter; empty when it was part of the key */
};

static struct slice without_quotes(struct slice entry)
{
    if (entry.len >= 2 && entry.at[0] == '"' && entry.at[entry.len - 1] == '"')
        return slice_make(entry.at + 1, entry.len - 2);
    return slice_starts(entry, "\\") ? slice_skip(entry, 1) : entry;
}

/* The next of "ada@example.org, bob". A comma within quotes is part of an entry; so is a blank. */
static bool next_entry(struct slice *rest, struct slice *entry)
{
    size_t len = 0;
    bool quoted = false;
    while (rest->len > 0 && slice_find(slice_of(", \t\r\n"), rest->at[0]) < 5)
        *rest = slice_skip(*rest, 1);
    for (; len < rest->len; len++) {
        if (rest->at[len] == '"')
            quoted = !quoted;
        else if (!quoted && slice_find(slice_of(", \t\r\n"), rest->at[len]) < 5)
            break;
    }
    *entry = slice_first(*rest, len);
    *rest = slice_skip(*rest, len);
    return len > 0;
}

static bool is_no_address(struct slice entry)
{
    return slice_starts(entry, "|") || slice_starts(entry, "/") || slice_starts(entry, ":include:");
}

/* "@example.net" keeps the user; "carl" is at home here; the extension goes on to where the mail
 * goes. */
static void complete(const struct work *work, const struct match *match, struct slice entry,
                     struct writer *w)
{
    size_t at = slice_find_last(entry, '@');
    if (at == 0) {
        writer_bytes(w, match->local);
        writer_bytes(w, match->extension);
        writer_bytes(w, entry);
        return;
    }
    writer_bytes(w, slice_first(entry, at));
    writer_bytes(w, match->extension);
    if (at < entry.len)
        writer_bytes(w, slice_skip(entry, at));
    else
        writer_printf(w, "@%s", work->parameters->myorigin);
}

static void add_entry(struct work *work, const struct match *match, struct slice entry)
{
    char text[KEY_MAX];
    struct writer w = writer_over(text, sizeof text);
    struct address address;
    struct slice self = work->items[work->next].text;
    enum stage stage = work->items[work->next].stage;
    entry = without_quotes(entry);
    if (is_no_address(entry)) {
        work->trouble = "the alias names a command, a file or a list in a file, which are not "
                        "supported yet";
        return;
    }
    complete(work, match, entry, &w);
    if (w.overflow || !address_parse(writer_slice(&w), &address) || address.local.len == 0)
        work->trouble = "the alias names something that is no address";
    else if (slice_equal_nocase(writer_slice(&w), self))
        add_item(work, self, stage + 1); /* this table has said all about it */
    else
        add_item(work, writer_slice(&w), STAGE_VIRTUAL);
}

static void add_answer(struct work *work, const struct match *match)
{
    struct slice rest = match->answer, entry;
    while (work->trouble == NULL && next_entry(&rest, &entry))
        add_entry(work, match, entry);
}

/* ---- looking up ---- */

static bool has_key(struct work *work, const struct table_list *list, struct slice local,
                    struct slice domain, struct match *match)
{
    char key[KEY_MAX];
    struct writer w = writer_over(key, sizeof key);
    struct writer answer = writer_over(work->answer, work->answer != NULL ? ANSWER_MAX : 0);
    bool whole = local.len > 0 && domain.len > 0 && match->extension.len == 0;
    writer_bytes(&w, local);
    if (domain.len > 0) {
        writer_byte(&w, '@');
        writer_bytes(&w, domain);
    }
    if (w.overflow)
        return false;
    enum table_result result =
        table_list_find(list, whole ? TABLE_KEY_WHOLE : TABLE_KEY_PART, writer_slice(&w), &answer);
    if (result == TABLE_TROUBLE)
        work->trouble = "a table of aliases could not be searched to its end";
    match->answer = writer_slice(&answer);
    return result == TABLE_FOUND;
}

/* First the whole, then without the extension, which is then kept for the answer. */
static bool has_user(struct work *work, const struct table_list *list, struct slice local,
                     struct slice user, struct slice domain, struct match *match)
{
    match->extension = slice_of("");
    if (has_key(work, list, local, domain, match))
        return true;
    match->extension = slice_skip(local, user.len);
    if (match->extension.len > 0 && has_key(work, list, user, domain, match))
        return true;
    match->extension = slice_of("");
    return false;
}

static bool is_at_home(const struct work *work, struct slice domain)
{
    return slice_is_nocase(domain, work->parameters->myorigin) ||
           address_class_of(work->classes, domain) == ADDRESS_LOCAL;
}

static bool find_virtual(struct work *work, const struct address *address, struct match *match)
{
    const struct table_list *list = &work->lists->virtual_aliases;
    static const struct slice nothing = SLICE_LITERAL("");
    struct slice user =
        address_without_extension(address->local, work->parameters->recipient_delimiter);
    match->local = user;
    if (has_user(work, list, address->local, user, address->domain, match))
        return true;
    if (is_at_home(work, address->domain) &&
        has_user(work, list, address->local, user, nothing, match))
        return true;
    match->local = address->local;
    match->extension = nothing;
    return has_key(work, list, nothing, address->domain, match);
}

/* aliases(5): a user's name alone, and only where the user is one of this machine's. */
static bool find_local(struct work *work, const struct address *address, struct match *match)
{
    static const struct slice nothing = SLICE_LITERAL("");
    struct slice user =
        address_without_extension(address->local, work->parameters->recipient_delimiter);
    match->local = user;
    if (address_class_of(work->classes, address->domain) != ADDRESS_LOCAL ||
        !has_user(work, &work->lists->local_aliases, address->local, user, nothing, match))
        return false;
    match->extension = nothing; /* propagate_unmatched_extensions leaves aliases out */
    return true;
}

typedef bool (*finder)(struct work *work, const struct address *address, struct match *match);

/* A table may have a domain of another script in any of its forms. */
static bool find_in_any_form(struct work *work, finder find, const struct address *address,
                             struct match *match)
{
    bool found = find(work, address, match);
    for (enum idn_form form = 0; form < IDN_FORMS && !found && work->trouble == NULL; form++) {
        char text[IDN_MAX];
        struct writer w = writer_over(text, sizeof text);
        struct address other = *address;
        if (!idn_form(address->domain, form, &w))
            continue;
        other.domain = writer_slice(&w);
        found = find(work, &other, match);
    }
    return found;
}

/* Whether a table has the item; what it stands for is added. */
static bool look_up(struct work *work)
{
    struct item *item = &work->items[work->next];
    struct address address;
    struct match match;
    if (item->stage == STAGE_DONE || !address_parse(item->text, &address))
        return false;
    if (item->stage == STAGE_VIRTUAL) {
        if (find_in_any_form(work, find_virtual, &address, &match)) {
            add_answer(work, &match);
            return true;
        }
        item->stage = STAGE_LOCAL;
    }
    if (work->trouble != NULL || !find_in_any_form(work, find_local, &address, &match))
        return false;
    add_answer(work, &match);
    return true;
}

/* What is left, in the order in which it was found. */
static void collect(const struct work *work, struct expansion *out)
{
    out->count = 0;
    out->addresses = arena_take(work->arena, work->count * sizeof *out->addresses);
    out->trouble = work->trouble;
    if (out->addresses == NULL) {
        out->trouble = "the alias stands for more addresses than there is memory for";
        return;
    }
    for (size_t i = 0; i < work->count; i++) {
        bool seen = !work->items[i].is_final;
        for (size_t k = 0; k < out->count && !seen; k++)
            seen = slice_equal_nocase(out->addresses[k], work->items[i].text);
        if (!seen)
            out->addresses[out->count++] = work->items[i].text;
    }
    if (out->count == 0 && out->trouble == NULL)
        out->trouble = "the alias leads in a circle, to nobody";
}

bool alias_lists_hold(const struct alias_lists *lists, const struct address_classes *classes,
                      const struct address *address)
{
    struct work work = {.lists = lists, .parameters = lists->parameters, .classes = classes};
    struct match match;
    if (lists->virtual_aliases.count + lists->local_aliases.count == 0)
        return false;
    work.answer = memory_new(ANSWER_MAX);
    bool found = find_in_any_form(&work, find_virtual, address, &match) ||
                 find_in_any_form(&work, find_local, address, &match);
    memory_free(work.answer);
    return found || work.trouble != NULL;
}

void expansion_find(const struct alias_lists *lists, const struct address_classes *classes,
                    struct slice address, struct arena *arena, struct expansion *out)
{
    struct work work = {
        .lists = lists, .parameters = lists->parameters, .classes = classes, .arena = arena};
    *out = (struct expansion){.aliased = false};
    if (lists->virtual_aliases.count + lists->local_aliases.count > 0)
        work.answer = memory_new(ANSWER_MAX); /* else no table will write there */
    add_item(&work, address, STAGE_VIRTUAL);
    for (; work.next < work.count && work.trouble == NULL; work.next++) {
        bool found = look_up(&work);
        out->aliased = out->aliased || found;
        work.items[work.next].is_final = !found;
    }
    collect(&work, out);
    memory_free(work.items);
    memory_free(work.answer);
}
