#include "cmd/queue.h"

#include "base/utf8.h"

#include "base/memory.h"
#include "cmd/commands.h"
#include "cmd/settings.h"
#include "proc/order_client.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "usage: tuvi queue list [-j] DIR\n"
    "       tuvi queue show DIR ID\n"
    "       tuvi queue export DIR ID\n"
    "       tuvi queue hold|release|requeue|expire|delete DIR ID...|ALL\n"
    "\n"
    "Lists the messages that wait in the queue of the configuration in DIR, as Postfix's mailq\n"
    "does, shows one of them whole, or writes one to the files ID.eml and ID.envelope. Nothing is\n"
    "changed by these, and tuvid may run meanwhile.\n"
    "\n"
    "The other words are for the tuvid that runs: hold keeps a message from being tried until\n"
    "release, requeue tries it now, held or not, expire tries it now and returns it to its sender\n"
    "when that fails, delete throws it away.\n"
    "\n"
    "  -j  one JSON object per message, as Postfix's postqueue -j\n";

struct request;

struct word {
    const char *word;
    bool takes_ids, takes_all;
    int (*run)(const struct request *request, const struct queue_view *view);
};

struct request {
    const struct word *word;
    bool json;
    const char *folder;
    char **ids;
    int id_count;
    char directory[PATH_MAX]; /* queue_directory */
    bool long_ids;
};

struct slice queue_sender(const struct envelope *envelope)
{
    return envelope->sender.len > 0 ? envelope->sender : slice_of("MAILER-DAEMON");
}

void queue_print_foreign(struct slice text)
{
    char visible[QUEUE_TEXT_MAX];
    struct writer w = writer_over(visible, sizeof visible);
    utf8_write_visible(&w, text);
    fwrite(visible, 1, w.len, stdout);
}

static void warn_of_damage(const struct queue_view *view)
{
    for (size_t i = 0; i < view->damage_count && i < QUEUE_VIEW_DAMAGE_MAX; i++) {
        const struct queue_damage *damage = &view->damage[i];
        fprintf(stderr, "tuvi queue: warning: slot %u, segment %llu, offset %u: %s\n", damage->slot,
                (unsigned long long)damage->place.segment, damage->place.offset, damage->text);
    }
    if (view->damage_count > QUEUE_VIEW_DAMAGE_MAX)
        fprintf(stderr, "tuvi queue: warning: and %zu more\n",
                view->damage_count - QUEUE_VIEW_DAMAGE_MAX);
}

/* ---- which queue ---- */

static struct err read_value(const struct settings *settings, const char *name, char text[PATH_MAX])
{
    char *memory = memory_new(EXPAND_LEN_MAX);
    struct writer w = writer_over(memory, EXPAND_LEN_MAX);
    struct err err = settings_expand(settings, name, &w);
    if (!err_is(&err) && w.len >= PATH_MAX)
        err = err_make(ERR_OTHER, "%s: the value is too long", name);
    if (!err_is(&err))
        snprintf(text, PATH_MAX, "%.*s", SLICE_PRINTF(writer_slice(&w)));
    memory_free(memory);
    return err;
}

/* Two values are all that is needed of main.cf, which may be wrong elsewhere. */
static struct err open_view(struct request *request, struct queue_view *view)
{
    char long_form[PATH_MAX];
    struct settings *settings = memory_new(sizeof *settings);
    struct err err = settings_read(settings, request->folder);
    if (err_is(&err)) {
        memory_free(settings);
        return err;
    }
    err = read_value(settings, "queue_directory", request->directory);
    if (!err_is(&err))
        err = read_value(settings, "enable_long_queue_ids", long_form);
    settings_free(settings);
    memory_free(settings);
    TRY(err);
    request->long_ids = slice_is_nocase(slice_of(long_form), "yes");
    struct queue_place place = {.queue_directory = request->directory,
                                .long_ids = request->long_ids};
    return queue_view_open(&place, view);
}

/* ---- the words ---- */

static const struct queue_entry *find_entry(const struct queue_view *view, const char *queue_id)
{
    const struct queue_entry *entry = queue_view_find(view, slice_of(queue_id));
    if (entry == NULL)
        fprintf(stderr, "tuvi queue: %s: there is no such message in the queue\n", queue_id);
    return entry;
}

static int complain_unreadable(const char *queue_id)
{
    fflush(stdout);
    fprintf(stderr, "tuvi queue: %s: it cannot be read: it is gone meanwhile, or damaged\n",
            queue_id);
    return EX_NOINPUT;
}

static int list(const struct request *request, const struct queue_view *view)
{
    if (request->json)
        queue_list_print_json(view);
    else
        queue_list_print(view, request->long_ids);
    return 0;
}

static int show(const struct request *request, const struct queue_view *view)
{
    const struct queue_entry *entry = find_entry(view, request->ids[0]);
    if (entry == NULL)
        return EX_NOINPUT;
    return queue_show_print(entry) ? 0 : complain_unreadable(request->ids[0]);
}

static int export_files(const struct request *request, const struct queue_view *view)
{
    const struct queue_entry *entry = find_entry(view, request->ids[0]);
    if (entry == NULL)
        return EX_NOINPUT;
    struct err err = queue_export_write(entry);
    if (!err_is(&err)) {
        printf("%s.eml\n%s.envelope\n", entry->queue_id, entry->queue_id);
        return 0;
    }
    if (err.code == ERR_OTHER)
        return complain_unreadable(request->ids[0]);
    fprintf(stderr, "tuvi queue: %s\n", err.text);
    return EX_CANTCREAT;
}

static int complain_order(const struct err *err)
{
    fprintf(stderr, "tuvi queue: %s\n", err->text);
    return err->code == EACCES ? EX_NOPERM : EX_UNAVAILABLE;
}

static int order_one(const struct request *request, const struct queue_view *view,
                     const char *queue_id, struct order_outcome *sum)
{
    struct order_outcome outcome = {0};
    const struct queue_entry *entry = find_entry(view, queue_id);
    if (entry == NULL)
        return EX_NOINPUT;
    struct err err = order_send(request->directory, queue_entry_slot(entry), request->word->word,
                                spool_message_id(entry->message), &outcome);
    if (err_is(&err))
        return complain_order(&err);
    if (outcome.obeyed == 0)
        fprintf(stderr, "tuvi queue: %s: it is gone meanwhile\n", queue_id);
    sum->obeyed += outcome.obeyed;
    sum->later += outcome.later;
    return outcome.obeyed > 0 ? 0 : EX_NOINPUT;
}

static void print_outcome(const struct request *request, const struct order_outcome *sum)
{
    printf("tuvi queue: %s: %zu message%s\n", request->word->word, sum->obeyed,
           sum->obeyed == 1 ? "" : "s");
    if (sum->later > 0)
        printf("tuvi queue: %zu of them: as soon as the delivery under way is over\n", sum->later);
}

static int give_order(const struct request *request, const struct queue_view *view)
{
    struct order_outcome sum = {0};
    struct err err = err_none();
    int code = 0;
    if (request->id_count == 1 && strcmp(request->ids[0], "ALL") == 0)
        err = order_send_all(request->directory, request->word->word, &sum);
    else
        for (int i = 0; i < request->id_count && code != EX_UNAVAILABLE; i++) {
            int one = order_one(request, view, request->ids[i], &sum);
            code = one != 0 ? one : code;
        }
    if (err_is(&err))
        return complain_order(&err);
    print_outcome(request, &sum);
    return code;
}

static const struct word words[] = {
    {"list", false, false, list},          {"show", true, false, show},
    {"export", true, false, export_files}, {"hold", true, true, give_order},
    {"release", true, true, give_order},   {"requeue", true, true, give_order},
    {"expire", true, true, give_order},    {"delete", true, true, give_order},
};

static int run(struct request *request)
{
    struct queue_view view;
    struct err err = open_view(request, &view);
    if (err_is(&err)) {
        fprintf(stderr, "tuvi queue: %s\n", err.text);
        return err.code == EACCES ? EX_NOPERM : EX_NOINPUT;
    }
    warn_of_damage(&view);
    int code = request->word->run(request, &view);
    queue_view_free(&view);
    return code;
}

static bool fits(const struct request *request)
{
    const struct word *word = request->word;
    if (request->json && word->run != list)
        return false;
    if (!word->takes_ids)
        return request->id_count == 0;
    return word->takes_all ? request->id_count > 0 : request->id_count == 1;
}

static bool read_words(int count, char **given, struct request *request)
{
    if (count < 2)
        return false;
    request->folder = given[1];
    request->ids = given + 2;
    request->id_count = count - 2;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        request->word = &words[i];
        if (strcmp(given[0], words[i].word) == 0)
            return fits(request);
    }
    return false;
}

int queue_command(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    static struct request request;
    int option;
    while ((option = getopt_long(argc, argv, "hj", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (option != 'j') {
            fputs(usage, stderr);
            return EX_USAGE;
        }
        request.json = true;
    }
    if (!read_words(argc - optind, argv + optind, &request)) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    return run(&request);
}
