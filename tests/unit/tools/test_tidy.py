"""tools/tidy: each rule is shown a file that breaks it, and one that just keeps it."""
import pytest

C = '/* a.c - something. */\n'
H = '/* a.h - something. */\n#pragma once\n'


def lines_function(count):
    return 'static int f(int x)\n{\n' + '    x++;\n' * (count - 3) + '}\n'


def findings(tree):
    status, output = tree.run('tidy')
    assert status == (1 if output else 0)
    return [(line.split(': ')[0], line.split(': ')[1].split(' ')[0])
            for line in output.splitlines()]


def test_a_tidy_tree_passes(tree):
    tree.write('src/base/a.h', H + '\n/* Adds. */\nint a_add(int x, int y);\n')
    tree.write('src/base/a.c', C + lines_function(70))
    assert findings(tree) == []


def test_no_sources_is_an_error_and_not_a_pass(tree):
    assert tree.run('tidy')[0] == 1


def test_a_function_of_71_lines_is_found(tree):
    tree.write('src/base/a.c', C + lines_function(71))
    assert findings(tree) == [('src/base/a.c:2', 'function-lines')]


def test_braces_in_comments_and_strings_do_not_hide_the_end_of_a_function(tree):
    text = C + 'static int f(void)\n{\n    g("}{{", \'{\'); /* { */ // {\n}\n' + lines_function(71)
    tree.write('src/base/a.c', text)
    assert findings(tree) == [('src/base/a.c:6', 'function-lines')]


def test_a_table_of_cases_does_not_count_as_lines_of_a_test(tree):
    table = '    static const int rows[] = {\n' + '        1,\n' * 90 + '    };\n'
    body = 'TEST(money, rounds)\n{\n%s    check(rows);\n}\n'
    tree.write('tests/unit/a.c', C + body % table)
    assert findings(tree) == []
    tree.write('tests/unit/a.c', C + body % (table + '    check(rows);\n' * 70))
    assert findings(tree) == [('tests/unit/a.c:2', 'function-lines')]


@pytest.mark.parametrize('file,limit', [
    ('src/base/a.c', 800), ('src/base/a.h', 200), ('tests/unit/a.c', 1500),
    ('tests/unit/test_a.py', 1500)])
def test_the_size_of_a_file_has_a_limit(tree, file, limit):
    head = {'c': C, 'h': H, 'y': ''}[file[-1]]
    fill = limit - head.count('\n')
    tree.write(file, head + '\n' * fill)
    assert findings(tree) == []
    tree.write(file, head + '\n' * (fill + 1))
    assert findings(tree) == [(f'{file}:1', 'file-lines')]


def test_a_line_has_at_most_100_columns(tree):
    tree.write('src/base/a.c', C + '/*' + 'x' * 96 + '*/\n')
    assert findings(tree) == []
    tree.write('src/base/a.c', C + '/*' + 'x' * 97 + '*/\n')
    assert findings(tree) == [('src/base/a.c:2', 'columns')]


@pytest.mark.parametrize('declaration,count', [
    ('int f(int a, int b, int c, int d, int e)', 5),
    ('int f(int a, int b, int c, int d, int e, int f)', 6),
    ('int f(int a, void (*b)(int x, int y), int c, int d, int e)', 5),
    ('int f(void)', 0),
    ('static struct a f(int a, int b, int c, int d, int e,\n    int f) __attribute__((pure))', 6),
])
@pytest.mark.parametrize('end', [';\n', '\n{\n}\n'])
def test_a_function_has_at_most_five_parameters(tree, declaration, count, end):
    tree.write('src/base/a.c', C + declaration.replace('__attribute__((pure))',
               '__attribute__((pure))' if end == ';\n' else '') + end)
    assert findings(tree) == ([('src/base/a.c:2', 'parameters')] if count > 5 else [])


@pytest.mark.parametrize('call', [
    'strcpy(a, b)', 'strcat(a, b)', 'sprintf(a, b)', 'atoi(a)', 'strtod(a, b)', 'gets(a)',
    'rand()', 'x = time(NULL)', 'return time(0)', 'sleep(1)', 'alloca(9)', 'f(atoi(a))',
    'malloc(1)', 'y = calloc(1, 2)', 'strdup(a)'])
def test_a_banned_call_is_found(tree, call):
    tree.write('src/net/a.c', C + 'static void f(void)\n{\n    ' + call + ';\n}\n')
    assert findings(tree) == [('src/net/a.c:4', 'banned-call')]


@pytest.mark.parametrize('text', [
    'a->time(x)', 'a.time(x)', 'my_strcpy(a, b)', 'snprintf(a, 1, b)', 'g("gets(a)")',
    'int time = 1'])
def test_what_only_looks_like_a_banned_call_passes(tree, text):
    tree.write('src/net/a.c', C + 'static void f(void)\n{\n    ' + text + '; /* gets(a) */\n}\n')
    assert findings(tree) == []


@pytest.mark.parametrize('file,function,fine', [
    ('src/net/conn.c', 'conn_new', True), ('src/net/conn.c', 'new_slots', True),
    ('src/net/conn.c', 'conn_renew', False), ('src/net/conn.c', 'conn_init', False),
    ('src/base/buf.c', 'grow', True), ('tests/unit/test_a.c', 'helper', True)])
def test_memory_is_taken_only_in_base_and_in_new_functions(tree, file, function, fine):
    name = file.split('/')[-1]
    tree.write(file, f'/* {name} - x. */\nstatic void {function}(void)\n{{\n    malloc(1);\n}}\n')
    assert findings(tree) == ([] if fine else [(f'{file}:4', 'banned-call')])


@pytest.mark.parametrize('helper,caller,fine', [
    ('static void slots', 'conn_new', True), ('static void slots', 'conn_init', False),
    ('void slots', 'conn_new', False)])
def test_a_static_that_only_a_new_function_calls_may_take_memory(tree, helper, caller, fine):
    tree.write('src/net/a.c', C + f'static void slots(void);\nvoid {caller}(void)\n{{\n'
               f'    slots();\n}}\n{helper}(void)\n{{\n    malloc(1);\n}}\n')
    assert findings(tree) == ([] if fine else [('src/net/a.c:9', 'banned-call')])


@pytest.mark.parametrize('folder,fine', [
    ('core', False), ('ledger', False), ('app', False), ('feeds/betfair', False), ('net', True)])
@pytest.mark.parametrize('clock', ['clock_gettime(0, &t)', 'clock_us(0)'])
def test_the_clock_is_hidden_from_logic(tree, clock, folder, fine):
    tree.write(f'src/{folder}/a.c', C + 'static void f(void)\n{\n    ' + clock + ';\n}\n')
    assert (findings(tree) == []) == fine


@pytest.mark.parametrize('text', ['double x;', 'float x;', 'int x = 1.5;', 'int x = 1e9;',
                                  'int x = (int)2.;'])
@pytest.mark.parametrize('folder,fine', [('core', False), ('ledger', False), ('net', True)])
def test_floating_point_stays_away_from_money(tree, text, folder, fine):
    tree.write(f'src/{folder}/a.c', C + text + '\n')
    assert findings(tree) == ([] if fine else [(f'src/{folder}/a.c:2', 'float')])


def test_a_version_or_a_field_is_no_floating_point(tree):
    tree.write('src/core/a.c', C + '/* 2.10 at 1.5 */\nint x = a.b1 + 0x1e9 + 10;\n'
               'char *y = "2.5";\n')
    assert findings(tree) == []


@pytest.mark.parametrize('text,fine', [
    ('/* TODO later */', False), ('/* TODO(me) */', False), ('/* FIXME */', False),
    ('/* TODO(#12) later */', True)])
def test_a_todo_names_its_issue(tree, text, fine):
    tree.write('src/base/a.c', C + text + '\n')
    assert findings(tree) == ([] if fine else [('src/base/a.c:2', 'todo')])


@pytest.mark.parametrize('start', ['', '/* something. */\n', '/* b.c - another. */\n',
                                   '#include <stdio.h>\n', '/* a.c - */\n'])
def test_a_file_begins_with_what_it_is(tree, start):
    tree.write('src/base/a.c', start + 'int x;\n')
    assert findings(tree) == [('src/base/a.c:1', 'file-comment')]


def test_a_header_without_pragma_once_is_found(tree):
    tree.write('src/base/a.h', '/* a.h - x. */\nextern int x;\n')
    assert findings(tree) == [('src/base/a.h:1', 'pragma-once')]


@pytest.mark.parametrize('text,fine', [
    ('\nint a_get(void);\n', False),
    ('\n/* Gets. */\nint a_get(void);\n', True),
    ('\nint a_get(void); /* Gets. */\n', True),
    ('\n/* Gets. */\n\nint a_get(void);\n', False),
    ('\n/* Both. */\nint a_put(void);\nint a_get(void);\n', True),
    ('\nstruct a {\n    int (*get)(int x);\n    LIST(X)\n};\n', True),
    ('\ntypedef int (*a_fn)(int x);\n', True),
    ('\nstatic inline int a_get(void)\n{\n    return 1;\n}\n', True),
    ('\nstatic_assert(sizeof(int) == 4, "int");\n', True)])
def test_a_prototype_has_a_comment_of_its_own_or_of_its_group(tree, text, fine):
    tree.write('src/base/a.h', H + text)
    found = findings(tree)
    assert [rule for _, rule in found] == ([] if fine else ['prototype-comment'])


class TestRatchet:
    """tools/tidy.allow: exceptions shrink and never grow."""

    def allow(self, tree, text):
        tree.write('src/base/a.c', C + lines_function(80)).write('tools/tidy.allow', text)
        return tree.run('tidy')

    def test_an_exception_of_the_present_size_passes(self, tree):
        assert self.allow(tree, '# why\nsrc/base/a.c function-lines:f 80\n') == (0, '')

    def test_an_exception_that_grew_fails(self, tree):
        status, output = self.allow(tree, 'src/base/a.c function-lines:f 79\n')
        assert status == 1 and 'permits 79' in output

    def test_an_exception_that_shrank_must_be_lowered(self, tree):
        status, output = self.allow(tree, 'src/base/a.c function-lines:f 81\n')
        assert status == 1 and 'lower the 81' in output

    def test_an_exception_that_nothing_needs_must_go(self, tree):
        tree.write('src/base/a.c', C).write('tools/tidy.allow', 'src/base/a.c file-lines 900\n')
        status, output = tree.run('tidy')
        assert status == 1 and 'remove it' in output

    def test_an_exception_for_one_function_does_not_cover_another(self, tree):
        status, output = self.allow(tree, 'src/base/a.c function-lines:g 80\n')
        assert status == 1 and output.count('\n') == 2
