#include "config/table_list.h"

#include "config/domain_list.h"
#include "config/network_list.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

static struct err find_file(void *owner, const char *path, struct slice *text)
{
    static const struct {
        const char *path, *text;
    } files[] = {
        {"/domains", "# ours\nexample.org, example.net\n!bad.test\n.test hash:/more\n"},
        {"/more", "more.test x\n"},
        {"/networks", "192.0.2.0/24\n!198.51.100.1 198.51.100.0/24\ncidr:/cidr\n"},
        {"/cidr", "203.0.113.0/24 x\n"},
        {"/addresses", "192.0.2.1 x\n2001:db8::1 x\n"},
        {"/nested", "example.org\n/domains\n"},
        {"/wrong", "192.0.2.0/24\nlocalhost\n"},
        {"/patterns", "/^([a-z]*)[.]test$/ $1\n"},
        {"/slow", "/^(a|aa)+$/ x\n"},
    };
    (void)owner;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(path, files[i].path) == 0) {
            *text = slice_of(files[i].text);
            return err_none();
        }
    return err_make(2, "%s: No such file or directory", path);
}

static const struct config_files files = {.find = find_file};
static const struct table_source source = {.files = &files};

static enum table_result result_of(const char *tables, const char *key, struct writer *answer)
{
    struct table_list list = {0};
    struct err err = table_list_compile(slice_of(tables), &source, &list);
    if (err_is(&err))
        fail_msg("%s: %s", tables, err.text);
    enum table_result result = table_list_find(&list, TABLE_KEY_WHOLE, slice_of(key), answer);
    table_list_free(&list);
    return result;
}

static void assert_answer(const char *tables, const char *key, const char *expected)
{
    char text[100];
    struct writer w = writer_over(text, sizeof text);
    assert_int_equal(result_of(tables, key, &w), expected == NULL ? TABLE_ABSENT : TABLE_FOUND);
    assert_slice(writer_slice(&w), expected);
}

TEST(the_first_table_that_knows_answers)
{
    assert_answer("inline:{a=1}, inline:{ a=2 b=3 } static:4", "a", "1");
    assert_answer("inline:{a=1}, inline:{ a=2 b=3 } static:4", "b", "3");
    assert_answer("inline:{a=1}, inline:{ a=2 b=3 } static:4", "c", "4");
    assert_answer("inline:{a=1}, proxy:pcre:/patterns hash:/more", "x.test", "x");
    assert_answer("", "a", NULL);
}

TEST(a_table_in_trouble_is_not_stepped_over)
{
    char key[100] = {0};
    memset(key, 'a', sizeof key - 2);
    key[sizeof key - 2] = 'b';
    assert_int_equal(result_of("pcre:/slow static:x", key, NULL), TABLE_TROUBLE);
    assert_int_equal(result_of("pcre:/slow static:x", "b", NULL), TABLE_FOUND);
}

TEST(a_table_that_cannot_be_read_is_named)
{
    struct table_list list = {0};
    struct err err = table_list_compile(slice_of("static:x hash:/nosuch"), &source, &list);
    assert_non_null(strstr(err.text, "/nosuch: No such file or directory; hash: reads this text"));
    err = table_list_compile(slice_of("/domains"), &source, &list);
    assert_non_null(strstr(err.text, "\"/domains\" is no table"));
    assert_null(list.tables);
}

static bool is_domain(const char *text, enum domain_match match, const char *domain)
{
    struct domain_list list = {0};
    struct err err = domain_list_parse(slice_of(text), match, &source, &list);
    if (err_is(&err))
        fail_msg("%s: %s", text, err.text);
    bool held = domain_list_holds(&list, slice_of(domain));
    domain_list_free(&list);
    return held;
}

TEST(a_list_of_domains_names_files_and_tables)
{
    assert_true(is_domain("first.test /domains last.test", DOMAIN_ITSELF, "first.test"));
    assert_true(is_domain("first.test /domains last.test", DOMAIN_ITSELF, "Example.NET"));
    assert_true(is_domain("first.test /domains last.test", DOMAIN_ITSELF, "last.test"));
    assert_true(is_domain("/domains", DOMAIN_ITSELF, "more.test"));
    assert_false(is_domain("/domains", DOMAIN_ITSELF, "ours"));
    assert_false(is_domain("/domains", DOMAIN_AND_BELOW, "x.bad.test"));
    assert_false(is_domain("!/domains static:all", DOMAIN_ITSELF, "example.org"));
    assert_true(is_domain("!/domains static:all", DOMAIN_ITSELF, "bad.test"));
    assert_true(is_domain("hash:/more", DOMAIN_AND_BELOW, "x.more.test"));
    assert_true(is_domain("pcre:/patterns", DOMAIN_AND_BELOW, "x.test"));
    assert_false(is_domain("pcre:/patterns", DOMAIN_AND_BELOW, "1.x.test"));
}

static bool is_ours(const char *text, const char *address)
{
    struct network_list list = {0};
    struct ip ip;
    struct err err = network_list_parse(slice_of(text), &source, &list);
    if (err_is(&err))
        fail_msg("%s: %s", text, err.text);
    assert_true(ip_parse(slice_of(address), &ip));
    bool held = network_list_holds(&list, &ip);
    network_list_free(&list);
    return held;
}

TEST(a_list_of_networks_names_files_and_tables)
{
    assert_true(is_ours("/networks", "192.0.2.9"));
    assert_false(is_ours("/networks", "198.51.100.1"));
    assert_true(is_ours("/networks", "198.51.100.2"));
    assert_true(is_ours("/networks", "203.0.113.7"));
    assert_true(is_ours("cidr:/cidr", "::ffff:203.0.113.7"));
    assert_false(is_ours("cidr:/cidr", "203.0.114.7"));
    assert_false(is_ours("!cidr:/cidr 203.0.113.0/24", "203.0.113.7"));
    assert_true(is_ours("hash:/addresses", "2001:db8::1"));
    assert_false(is_ours("hash:/addresses", "2001:db8::2"));
}

TEST(what_is_wrong_in_a_file_is_named_with_its_line)
{
    struct domain_list domains = {0};
    struct network_list networks = {0};
    struct err err = domain_list_parse(slice_of("/nested"), DOMAIN_ITSELF, &source, &domains);
    assert_string_equal(err.text,
                        "/nested, line 2: /domains: a file of members cannot name another one");
    err = network_list_parse(slice_of("/wrong"), &source, &networks);
    assert_non_null(strstr(err.text, "/wrong, line 2: \"localhost\" is neither"));
    err = domain_list_parse(slice_of("/nosuch"), DOMAIN_ITSELF, &source, &domains);
    assert_string_equal(err.text, "/nosuch: No such file or directory");
    assert_null(domains.members);
    assert_null(networks.members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_table_that_knows_answers),
        cmocka_unit_test(a_table_in_trouble_is_not_stepped_over),
        cmocka_unit_test(a_table_that_cannot_be_read_is_named),
        cmocka_unit_test(a_list_of_domains_names_files_and_tables),
        cmocka_unit_test(a_list_of_networks_names_files_and_tables),
        cmocka_unit_test(what_is_wrong_in_a_file_is_named_with_its_line),
    };
    return RUN_TESTS(tests);
}
