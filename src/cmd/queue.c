#include "cmd/queue.h"

#include "base/memory.h"
#include "cmd/commands.h"
#include "cmd/settings.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "usage: tuvi queue list [-j] DIR\n"
    "       tuvi queue show DIR ID\n"
    "\n"
    "Lists the messages that wait in the queue of the configuration in DIR, as Postfix's mailq\n"
    "does, or shows one of them whole. Nothing is changed, and tuvid may run meanwhile.\n"
    "\n"
    "  -j  one JSON object per message, as Postfix's postqueue -j\n";

struct request {
    bool json;
    const char *folder;
    const char *queue_id; /* NULL: list all */
};

struct slice queue_sender(const struct envelope *envelope)
{
    return envelope->sender.len > 0 ? envelope->sender : slice_of("MAILER-DAEMON");
}

void queue_print_foreign(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        putchar(ascii_is_printable(text.at[i]) ? text.at[i] : '?');
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
static struct err open_view(const char *folder, bool *long_ids, struct queue_view *view)
{
    char directory[PATH_MAX], long_form[PATH_MAX];
    struct settings *settings = memory_new(sizeof *settings);
    struct err err = settings_read(settings, folder);
    if (err_is(&err)) {
        memory_free(settings);
        return err;
    }
    err = read_value(settings, "queue_directory", directory);
    if (!err_is(&err))
        err = read_value(settings, "enable_long_queue_ids", long_form);
    settings_free(settings);
    memory_free(settings);
    TRY(err);
    *long_ids = slice_is_nocase(slice_of(long_form), "yes");
    struct queue_place place = {.queue_directory = directory, .long_ids = *long_ids};
    return queue_view_open(&place, view);
}

/* ---- the two commands ---- */

static int show(const struct queue_view *view, const char *queue_id)
{
    const struct queue_entry *entry = queue_view_find(view, slice_of(queue_id));
    if (entry == NULL) {
        fprintf(stderr, "tuvi queue: %s: there is no such message in the queue\n", queue_id);
        return EX_NOINPUT;
    }
    if (queue_show_print(entry))
        return 0;
    fflush(stdout);
    fprintf(stderr, "tuvi queue: %s: it cannot be read: it is gone meanwhile, or damaged\n",
            queue_id);
    return EX_NOINPUT;
}

static int run(const struct request *request)
{
    struct queue_view view;
    bool long_ids;
    int code = 0;
    struct err err = open_view(request->folder, &long_ids, &view);
    if (err_is(&err)) {
        fprintf(stderr, "tuvi queue: %s\n", err.text);
        return err.code == EACCES ? EX_NOPERM : EX_NOINPUT;
    }
    warn_of_damage(&view);
    if (request->queue_id != NULL)
        code = show(&view, request->queue_id);
    else if (request->json)
        queue_list_print_json(&view);
    else
        queue_list_print(&view, long_ids);
    queue_view_free(&view);
    return code;
}

static bool read_words(int count, char **words, struct request *request)
{
    if (count == 2 && strcmp(words[0], "list") == 0) {
        request->folder = words[1];
        return true;
    }
    if (count == 3 && strcmp(words[0], "show") == 0 && !request->json) {
        request->folder = words[1];
        request->queue_id = words[2];
        return true;
    }
    return false;
}

int queue_command(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct request request = {.json = false};
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
