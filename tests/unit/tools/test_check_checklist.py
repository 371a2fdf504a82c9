"""tools/check-checklist: what it must not let pass."""
import pytest


def checklist(tree, rows, sums=None, ids=None):
    still_open = sum('| open' in row for row in rows)
    tree.write('docs/checklist-ids.txt',
               ''.join(f'{i}\n' for i in (ids or ['V1-1', 'SR-2'])))
    tree.write('docs/CHECKLIST.md', '# Checklist\n\n'
               + (sums or f'2 points: {2 - still_open} done or decided, {still_open} open.')
               + '\n\n| id | what | where |\n|---|---|---|\n' + ''.join(f'{r}\n' for r in rows))
    tree.write('src/a.c', '').write('docs/decisions/0001-x.md', '')
    tree.write('tests/unit/a.c', 'TEST(money,\n     rounds_down)\n{\n}\n')
    tree.write('tests/e2e/test_a.py', 'def test_it_works(book):\n    pass\n')
    tree.write('tests/web/a.test.js', "test('shows a price', () => {});\n")
    return tree.run('check-checklist')


DONE = '| SR-2 | x | `src/a.c`; `tests/unit/a.c::rounds_down` |'


@pytest.mark.parametrize('where', [
    'open', 'open: the half of `src/a.c`', '`src/a.c`; `tests/unit/a.c::rounds_down`',
    '`src/a.c`, `tests/e2e/test_a.py::test_it_works`, `GET /v1/odds`',
    '`src/a.c`, `tests/web/a.test.js::shows a price`',
    'decision: other, see `docs/decisions/0001-x.md`'])
def test_a_true_row_passes(tree, where):
    assert checklist(tree, [f'| V1-1 | x | {where} |', DONE]) == (0, '')


@pytest.mark.parametrize('row,words', [
    ('| V1-1 | x | `src/b.c`; `tests/unit/a.c::rounds_down` |', 'src/b.c does not exist'),
    ('| V1-1 | x | `src/a.c`; `tests/unit/b.c::rounds_down` |', 'tests/unit/b.c does not exist'),
    ('| V1-1 | x | `src/a.c`; `tests/unit/a.c::rounds_up` |', 'no test rounds_up'),
    ('| V1-1 | x | `src/a.c`; `tests/unit/a.c::rounds` |', 'no test rounds'),
    ('| V1-1 | x | `src/a.c`; `tests/e2e/test_a.py::test_it` |', 'no test test_it'),
    ('| V1-1 | x | `src/a.c` |', 'names no test'),
    ('| V1-1 | x | `tests/unit/a.c::rounds_down` |', 'names no file'),
    ('| V1-1 | x | done |', 'names no file'),
    ('| V1-1 | x | opened in `src/a.c` |', 'names no test'),
    ('| V1-1 | x | open: see `src/gone.c` |', 'src/gone.c does not exist'),
    ('| V1-1 | x | decision: we think so |', 'a decision names the file'),
    ('| V1-1 | x | |', 'three cells'),
    ('| V1-1 | | open |', 'three cells'),
    ('| V1-3 | x | open |', 'V1-3 is not in'),
    ('| XX-1 | x | open |', 'no known kind'),
    ('', 'V1-1 has no row')])
def test_a_row_that_is_missing_wrong_or_untrue_fails(tree, row, words):
    status, output = checklist(tree, [row, DONE])
    assert status == 1 and words in output


def test_an_id_has_one_row_only(tree):
    status, output = checklist(tree, ['| V1-1 | x | open |', DONE, DONE])
    assert status == 1 and 'SR-2 has a row already' in output


@pytest.mark.parametrize('sums', ['2 points: 2 done or decided, 0 open.', 'Nearly done.'])
def test_the_line_of_sums_must_be_true(tree, sums):
    status, output = checklist(tree, ['| V1-1 | x | open |', DONE], sums)
    assert status == 1 and '"2 points: 1 done or decided, 1 open."' in output


def test_an_empty_list_of_ids_is_no_pass(tree):
    assert checklist(tree, [], '0 points: 0 done or decided, 0 open.', ['#'])[0] == 1
