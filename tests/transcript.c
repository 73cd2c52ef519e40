/* Plays transcripts; see transcript.h. Usage: transcript FOLDER. Prints TAP. */
#include "tests/transcript.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPERATIONS_MAX = 500, TEXT_MAX = 1 << 20 };

enum operation_kind { ARRIVES, EXPECTED, BODY, SAY, TLS, EVENT };

struct operation {
    enum operation_kind kind;
    int line;
    struct slice text;
};

static struct operation operations[OPERATIONS_MAX];
static size_t operation_count;
static char file_text[TEXT_MAX], unescaped[TEXT_MAX];
static size_t unescaped_len;
static char complaint[4096];

/* ---- reading a file ---- */

static int hex_digit(char c)
{
    return ascii_is_digit(c) ? c - '0' : ascii_lower(c) - 'a' + 10;
}

static struct slice keep(struct slice text, bool raw)
{
    char *start = unescaped + unescaped_len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (raw && c == '\\' && i + 1 < text.len) {
            c = text.at[++i];
            if (c == 'x' && i + 2 < text.len) {
                c = (char)(hex_digit(text.at[i + 1]) << 4 | hex_digit(text.at[i + 2]));
                i += 2;
            } else {
                c = c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : c;
            }
        }
        unescaped[unescaped_len++] = c;
    }
    if (!raw) {
        unescaped[unescaped_len++] = '\r';
        unescaped[unescaped_len++] = '\n';
    }
    return slice_make(start, (size_t)(unescaped + unescaped_len - start));
}

static struct slice after_mark(struct slice line)
{
    struct slice rest = slice_skip(line, 2);
    return rest.len > 0 && rest.at[0] == ' ' ? slice_skip(rest, 1) : rest;
}

static void add_operation(enum operation_kind kind, int line, struct slice text)
{
    if (operation_count == OPERATIONS_MAX)
        exit(2);
    operations[operation_count++] = (struct operation){kind, line, text};
}

static void read_line(const struct player *player, int number, struct slice line)
{
    bool marked = line.len >= 2 && (line.at[0] == 'C' || line.at[0] == 'S');
    bool raw = marked && line.at[1] == '~';
    if (line.len == 0 || line.at[0] == '#')
        return;
    if (marked && (line.at[1] == ':' || raw)) {
        if (line.at[0] == player->peer_mark)
            add_operation(ARRIVES, number, keep(after_mark(line), raw));
        else
            add_operation(EXPECTED, number, line);
    } else if (slice_starts(line, "body~ ")) {
        add_operation(BODY, number, keep(slice_skip(line, 6), true));
    } else if (slice_is(line, "body") || slice_starts(line, "body ")) {
        add_operation(BODY, number, keep(slice_skip(line, 5), false));
    } else if (slice_starts(line, "set ")) {
        struct slice rest = slice_skip(line, 4);
        size_t space = slice_find(rest, ' ');
        player->set(slice_first(rest, space), slice_skip(rest, space + 1));
    } else if (slice_starts(line, "say ")) {
        add_operation(SAY, number, slice_skip(line, 4));
    } else if (slice_is(line, "tls")) {
        add_operation(TLS, number, line);
    } else if (slice_starts(line, "event ")) {
        add_operation(EVENT, number, slice_skip(line, 6));
    } else {
        add_operation(EXPECTED, number, line);
    }
}

static bool read_file(const struct player *player, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    size_t len = fread(file_text, 1, sizeof file_text, file);
    fclose(file);
    operation_count = unescaped_len = 0;
    player->set(slice_of("default"), slice_of(""));
    struct slice rest = slice_make(file_text, len);
    for (int number = 1; rest.len > 0; number++) {
        size_t end = slice_find(rest, '\n');
        read_line(player, number, slice_first(rest, end));
        rest = slice_skip(rest, end + 1);
    }
    return operation_count > 0;
}

/* ---- playing it ---- */

struct game {
    const struct player *player;
    size_t cut;
    size_t next;         /* the operation that is expected next */
    size_t next_arrives; /* the operation whose bytes arrive next */
    size_t arrived;      /* bytes of it that have arrived */
    struct buf input;
    struct buf body;
    size_t body_matched; /* bytes of the body operations at `next` already compared */
};

static bool lose(int line, const char *what, struct slice got)
{
    snprintf(complaint, sizeof complaint, "line %d: %s: %.*s", line, what, SLICE_PRINTF(got));
    return false;
}

static void skip_arrivals(struct game *game)
{
    while (game->next < operation_count && operations[game->next].kind == ARRIVES)
        game->next++;
}

static struct operation *expected(struct game *game)
{
    static struct operation end = {.kind = EXPECTED, .line = 0, .text = SLICE_LITERAL("(the end)")};
    skip_arrivals(game);
    return game->next < operation_count ? &operations[game->next] : &end;
}

/* Content may come in any pieces: compares as much as there is. */
static bool match_body(struct game *game)
{
    while (buf_len(&game->body) > 0) {
        struct operation *operation = expected(game);
        if (operation->kind != BODY)
            return lose(operation->line, "unexpected content", buf_slice(&game->body));
        struct slice rest = slice_skip(operation->text, game->body_matched);
        struct slice got = slice_first(buf_slice(&game->body), rest.len);
        if (!slice_equal(got, slice_first(rest, got.len)))
            return lose(operation->line, "other content", got);
        game->body_matched += got.len;
        buf_consume(&game->body, got.len);
        if (game->body_matched == operation->text.len) {
            game->next++;
            game->body_matched = 0;
        }
    }
    return true;
}

static bool match_step(struct game *game, struct slice trace)
{
    struct operation *operation = expected(game);
    if (operation->kind == TLS) {
        if (!slice_is(trace, "tls"))
            return lose(operation->line, "expected tls, got", trace);
        game->player->tls();
        game->next++;
        return true;
    }
    if (operation->kind != EXPECTED || !slice_equal(operation->text, trace))
        return lose(operation->line, "got", trace);
    game->next++;
    skip_arrivals(game);
    if (game->next < operation_count && operations[game->next].kind == SAY)
        game->player->say(operations[game->next++].text);
    return true;
}

/* The next few bytes, unless TLS or an event must come first. */
static bool more_arrives(struct game *game)
{
    while (game->next_arrives < operation_count) {
        struct operation *operation = &operations[game->next_arrives];
        bool barrier = operation->kind == TLS || operation->kind == EVENT;
        if (barrier && game->next <= game->next_arrives)
            return false;
        struct slice rest = slice_skip(operation->text, game->arrived);
        if (operation->kind != ARRIVES || rest.len == 0) {
            game->next_arrives++;
            game->arrived = 0;
            continue;
        }
        struct slice piece = slice_first(rest, game->cut);
        buf_add(&game->input, piece);
        game->arrived += piece.len;
        return true;
    }
    return false;
}

static bool raise_event(struct game *game)
{
    struct operation *operation = expected(game);
    if (operation->kind != EVENT)
        return false;
    game->next++;
    game->player->event(operation->text);
    return true;
}

static bool play_on(struct game *game)
{
    struct buf trace = buf_make(8192);
    bool won = true;
    while (won) {
        struct slice input = buf_slice(&game->input);
        size_t before = input.len;
        bool stepped = game->player->step(&input, &trace, &game->body);
        buf_consume(&game->input, before - input.len);
        if (!stepped) {
            if (more_arrives(game) || raise_event(game))
                continue;
            break;
        }
        won = match_body(game);
        if (won && buf_len(&trace) > 0)
            won = match_step(game, buf_slice(&trace));
        if (buf_len(&trace) > 0 && slice_starts(buf_slice(&trace), "close"))
            break;
        buf_consume(&trace, buf_len(&trace));
    }
    buf_free(&trace);
    if (won && expected(game)->line != 0)
        won = lose(expected(game)->line, "never came", expected(game)->text);
    return won;
}

static bool play(const struct player *player, size_t cut)
{
    struct game game = {
        .player = player, .cut = cut, .input = buf_make(TEXT_MAX), .body = buf_make(TEXT_MAX)};
    player->start();
    bool won = play_on(&game);
    buf_free(&game.input);
    buf_free(&game.body);
    return won;
}

/* ---- all files of a folder ---- */

static const struct player *player_of(const char *folder)
{
    const char *slash = strrchr(folder, '/');
    const char *name = slash != NULL ? slash + 1 : folder;
    static const struct player *const players[] = {&smtp_server_player, &smtp_client_player};
    for (size_t i = 0; i < sizeof players / sizeof *players; i++)
        if (strcmp(name, players[i]->name) == 0)
            return players[i];
    return NULL;
}

static int is_transcript(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0;
}

int main(int argc, char **argv)
{
    static const size_t cuts[] = {1, 2, 7, 64, TEXT_MAX};
    const struct player *player = argc == 2 ? player_of(argv[1]) : NULL;
    struct dirent **entries;
    int number = 0, failed = 0;
    int count = player != NULL ? scandir(argv[1], &entries, is_transcript, alphasort) : -1;
    if (count <= 0) {
        fprintf(stderr, "usage: transcript tests/transcripts/MACHINE\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
            snprintf(complaint, sizeof complaint, "cannot be read");
            bool won = read_file(player, path) && play(player, cuts[c]);
            failed += !won;
            printf("%s %d - %s in reads of %zu\n", won ? "ok" : "not ok", ++number,
                   entries[i]->d_name, cuts[c]);
            if (!won)
                printf("# %s: %s\n", path, complaint);
        }
        free(entries[i]);
    }
    free(entries);
    printf("1..%d\n", number);
    return failed > 0;
}
