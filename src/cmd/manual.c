/* tuvi-parameters(5), made of the one table of parameters, so that the two cannot differ. */
#include "cmd/commands.h"
#include "config/parameters.h"

#include <stdio.h>

static const char head[] =
    ".Dd November 24, 2026\n"
    ".Dt TUVI-PARAMETERS 5\n"
    ".Os Tuvi\n"
    ".Sh NAME\n"
    ".Nm tuvi-parameters\n"
    ".Nd parameters of main.cf that Tuvi uses\n"
    ".Sh DESCRIPTION\n"
    ".Pa main.cf\n"
    "holds lines of the form\n"
    ".Dq name = value .\n"
    "Lines that begin with white space continue the line before them, and lines that\n"
    "begin with # are comments.\n"
    "In a value, $name stands for the value of another parameter.\n"
    "A service of\n"
    ".Pa master.cf\n"
    "has values of its own with\n"
    ".Fl o Ar name Ns = Ns Ar value .\n"
    "The syntax, the names and, where nothing else is said, the defaults are those of Postfix.\n"
    ".Pp\n"
    "What Postfix has and Tuvi does not is named by\n"
    ".Xr tuvi 1\n"
    ".Cm check ,\n"
    "with its weight.\n"
    ".Sh PARAMETERS\n"
    ".Bl -tag -width Ds\n";

static const char foot[] = ".El\n"
                           ".Sh SEE ALSO\n"
                           ".Xr tuvi 1 ,\n"
                           ".Xr tuvid 8\n";

/* Text that roff takes as it is; it wants each sentence on its own line. */
static void print_text(const char *text)
{
    bool line_starts = true;
    for (const char *at = text; *at != '\0'; at++) {
        bool sentence_ends = *at == ' ' && at > text && at[-1] == '.';
        if (line_starts && (*at == '.' || *at == '\''))
            fputs("\\&", stdout);
        if (*at == '\\')
            fputs("\\e", stdout);
        else
            putchar(sentence_ends ? '\n' : *at);
        line_starts = sentence_ends;
    }
}

static void print_words(const struct choice *choices)
{
    for (const struct choice *choice = choices; choice->word != NULL; choice++)
        if (choice->refusal == NULL)
            printf("%s%s", choice == choices ? "" : ", ", choice->word);
    puts(".");
}

static void print_kind(const struct parameter_row *row)
{
    switch (row->kind) {
    case PARAMETER_FLAG:
        puts("Value: yes or no.");
        break;
    case PARAMETER_NUMBER:
        printf("Value: a number from %lld to %lld.\n", (long long)row->min, (long long)row->max);
        break;
    case PARAMETER_TIME:
        printf("Value: a time, as a number and s, m, h, d or w; without a unit it is in %c.\n",
               row->unit);
        break;
    case PARAMETER_TEXT:
    case PARAMETER_RAW:
        break;
    case PARAMETER_NEEDED:
        puts("Value: it may not be empty.");
        break;
    case PARAMETER_WORDS:
        fputs("Value: some of ", stdout);
        print_words(row->choices);
        break;
    case PARAMETER_CHOICE:
        fputs("Value: one of ", stdout);
        print_words(row->choices);
        break;
    }
}

static void print_row(const struct parameter_row *row)
{
    printf(".It Sy %s\n", row->name);
    print_text(row->meaning);
    putchar('\n');
    print_kind(row);
    fputs("Default: ", stdout);
    print_text(row->default_text[0] != '\0' ? row->default_text : "empty");
    putchar('\n');
}

void manual_print_parameters(void)
{
    fputs(head, stdout);
    for (unsigned i = 0; i < PARAMETER_COUNT; i++)
        print_row(parameter_row((enum parameter)i));
    fputs(foot, stdout);
}
