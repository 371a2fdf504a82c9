"""tools/testrun: a test that did not pass must never be counted as one that did."""
import glob
import os
import re
import signal
import sys
import time

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from testrun import ahead, parts, results  # noqa: E402

GOOD = """[==========] Running 2 test(s).
[ RUN      ] money/adds
[       OK ] money/adds
[ RUN      ] odds/rounds
[       OK ] odds/rounds
[==========] 2 test(s) run.
[  PASSED  ] 2 test(s).
2 passed, 0 failed
"""
BAD = """[ RUN      ] money/adds
[  ERROR   ] --- 1 != 2
[   LINE   ] --- test_money.c:3: error: Failure!
[  FAILED  ] money/adds
[ RUN      ] odds/rounds
[  SKIPPED ] odds/rounds
[==========] 2 test(s) run.
[  PASSED  ] 0 test(s).
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] money/adds
1 passed, 1 failed
"""


def outcomes(found):
    return {r.id: r.outcome for r in found}


def test_a_program_that_passes_is_counted_by_its_tests():
    assert outcomes(results.parse_program('core', GOOD, 0)) == {
        'core/money/adds': 'passed', 'core/odds/rounds': 'passed'}


def test_failed_and_skipped_tests_are_told_apart():
    found = results.parse_program('core', BAD, 1)
    assert outcomes(found) == {'core/money/adds': 'failed', 'core/odds/rounds': 'skipped'}
    assert '1 != 2' in found[0].output


def test_a_program_that_dies_in_a_test_fails_in_that_test():
    text = GOOD[:GOOD.index('[       OK ] odds')] + 'ASSERT failed\n'
    found = results.parse_program('core', text, -6)
    assert outcomes(found)['core/odds/rounds'] == 'failed'
    assert 'status -6' in found[-1].output and 'ASSERT failed' in found[-1].output


@pytest.mark.parametrize('text,status', [
    ('', 127), ('', 0), (GOOD.replace('2 passed', '3 passed'), 0),
    (GOOD.replace('2 passed, 0 failed\n', ''), 0), (GOOD, 1), (GOOD, None)])
def test_a_program_that_does_not_end_well_is_a_failure(text, status):
    assert 'failed' in outcomes(results.parse_program('core', text, status)).values()


def slice_text(number, name, kept=1, of=2):
    return (f'slice {number}/2: {kept} of {of} tests\n[ RUN      ] money/{name}\n'
            f'[       OK ] money/{name}\n1 passed, 0 failed\n')


def test_the_slices_of_a_program_are_counted_together():
    found = results.parse_slices('app', [(slice_text(0, 'adds'), 0), (slice_text(1, 'ends'), 0)])
    assert outcomes(found) == {'app/money/adds': 'passed', 'app/money/ends': 'passed'}


@pytest.mark.parametrize('second', [
    None, (slice_text(1, 'ends', of=3), 0), (slice_text(1, 'adds'), 0), ('', 2),
    (slice_text(1, 'ends').replace('slice', 'part'), 0)])
def test_tests_that_no_slice_had_or_two_had_are_a_failure(second):
    found = results.parse_slices('app', [(slice_text(0, 'adds'), 0)] + [second] * bool(second))
    assert 'failed' in outcomes(found).values()


JUNIT = """<testsuites><testsuite>
<testcase classname="tests.e2e.test_bets" name="test_a" time="0.1"/>
<testcase classname="tests.e2e.test_bets" name="test_b"><failure message="no">why</failure>
<system-out>log</system-out></testcase>
<testcase classname="tests.e2e.test_bets" name="test_c"><error message="setup">x</error></testcase>
<testcase classname="tests.e2e.test_bets" name="test_d"><skipped message="absent"/></testcase>
</testsuite></testsuites>"""


def test_the_xml_of_pytest_is_read(tmp_path):
    path = tmp_path / 'report.xml'
    path.write_text(JUNIT)
    found = results.parse_junit(str(path), 'e2e')
    assert outcomes(found) == {'e2e/test_bets/test_a': 'passed', 'e2e/test_bets/test_b': 'failed',
                               'e2e/test_bets/test_c': 'failed', 'e2e/test_bets/test_d': 'skipped'}
    assert 'why' in found[1].output and 'log' in found[1].output


TAP = """TAP version 13
# Subtest: prices
    # Subtest: shows a price
    ok 1 - shows a price
    # Subtest: hides a price
    not ok 2 - hides a price
      ---
      ...
    # Subtest: later
    ok 3 - later # SKIP no browser
    1..3
not ok 1 - prices
# Subtest: alone
ok 2 - alone
1..2
"""


def test_the_tap_of_node_is_counted_at_its_innermost_points():
    assert outcomes(results.parse_tap(TAP, 'web')) == {
        'web/prices/shows a price': 'passed', 'web/prices/hides a price': 'failed',
        'web/prices/later': 'skipped', 'web/alone': 'passed'}


def test_a_skip_that_is_not_expected_is_a_failure(tmp_path):
    path = tmp_path / 'expected-skips.txt'
    path.write_text('# comment\ne2e/test_recordings/*  absent\n')
    found = [results.Result('e2e/test_recordings/test_x', 'skipped'),
             results.Result('e2e/test_bets/test_x', 'skipped'),
             results.Result('e2e/test_bets/test_y', 'passed')]
    results.apply_expected_skips(found, results.read_expected_skips(str(path)))
    assert [r.outcome for r in found] == ['skipped', 'failed', 'passed']
    assert results.closing_line(found) == '1 passed, 1 failed, 1 skipped'


def test_a_skip_is_expected_by_its_own_reason_or_not_at_all(tmp_path):
    path = tmp_path / 'expected-skips.txt'
    path.write_text('because Redis is not installed\nbecause no network namespaces\n')
    found = [results.Result('e2e/test_a/test_x', 'skipped', '', 'Redis is not installed'),
             results.Result('e2e/test_b/test_x', 'skipped', '', 'no network namespaces here'),
             results.Result('e2e/test_c/test_x', 'skipped', '', 'was Redis is not installed'),
             results.Result('Redis is not installed', 'skipped')]
    results.apply_expected_skips(found, results.read_expected_skips(str(path)))
    assert [r.outcome for r in found] == ['skipped', 'skipped', 'failed', 'failed']


def test_a_program_says_why_it_skips_a_test_and_that_is_told(capsys):
    said = BAD.replace('[  SKIPPED ]', 'skipped: PostgreSQL is not installed\n[  SKIPPED ]')
    found = results.parse_program('core', said, 1)
    assert [r.reason for r in found] == ['', 'PostgreSQL is not installed']
    results.apply_expected_skips(found, {'because Postgre': 'Postgre'})
    results.report(found[1])
    assert capsys.readouterr().out == 'SKIPPED core/odds/rounds: PostgreSQL is not installed\n'


def reasons():
    """(id of its file of tests or of none, reason) of each skip in a program of C or a
    conversation."""
    for path in glob.glob(os.path.join(ROOT, 'tests', '**', '*.c'), recursive=True):
        for why in re.findall(r'\bskip_reason\("([^"]+)', open(path, encoding='utf-8').read()):
            yield '', why
    for path in glob.glob(os.path.join(ROOT, 'tests', 'e2e', '**', '*.py'), recursive=True):
        text = open(path, encoding='utf-8').read()
        for _, why in re.findall(r"\bpytest\.skip\(f?(['\"])(.+?)(?:\1\)|\{)",
                                 text.replace("\\'", '\t')):
            yield f'e2e/{os.path.basename(path)[:-3]}/x', why.replace('\t', "'")


def test_whatever_may_be_absent_is_expected_to_be():
    expected = results.read_expected_skips(os.path.join(ROOT, 'tests', 'expected-skips.txt'))
    found = [results.Result(ident, 'skipped', '', why) for ident, why in reasons()]
    results.apply_expected_skips(found, expected)
    assert [r.output for r in found if r.outcome == 'failed'] == []
    assert {'PostgreSQL is not installed', 'Redis is not installed', 'RabbitMQ is not installed',
            "no server of DynamoDB's API: no npm, or its registry is out of reach",
            "no Java, no Maven, or Kafka's jars are out of reach",
            'no network namespaces can be made here: '} <= {r.reason for r in found}


def test_the_closing_line_without_skips():
    assert results.closing_line([results.Result('a', 'passed')]) == '1 passed, 0 failed'


def test_no_line_of_a_failed_test_can_be_taken_for_the_closing_line(capsys):
    results.report(results.Result('a', 'failed', '9 passed, 0 failed\n'))
    assert not results.CLOSING.search(capsys.readouterr().out)


@pytest.mark.parametrize('filters,san_only,names', [
    ([], False, ['lint', 'tools', 'unit', 'web', 'e2e', 'loops', 'foreign', 'san', 'fuzz']),
    (['loops/test_push'], False, ['loops']),
    (['tsan'], False, ['tsan']),
    ([], True, ['san']),
    (['core'], False, ['unit']),
    (['core/money', 'adapters/embedded'], False, ['unit']),
    (['core'], True, ['san']),
    (['san/core'], False, ['san']),
    (['e2e/test_bets'], False, ['e2e']),
    (['lint/tidy', 'core'], False, ['lint', 'unit'])])
def test_filters_choose_the_parts(filters, san_only, names):
    run = parts.Run('.', filters, 10)
    assert [name for name, _ in parts.chosen(run, san_only)] == names


def test_a_report_of_any_process_is_a_failure(tmp_path):
    assert outcomes(parts.read_reports(tmp_path)) == {'tsan/(reports)': 'passed'}
    (tmp_path / 'report.12').write_text('WARNING: ThreadSanitizer: data race')
    found = parts.read_reports(tmp_path)
    assert outcomes(found) == {'tsan/(reports)': 'failed'} and 'data race' in found[0].output


@pytest.mark.parametrize('marks,ran', [('', ['test_a', 'test_b']), ('not one_loop', ['test_b'])])
def test_marked_tests_can_be_left_out_and_the_others_get_their_environment(tmp_path, marks, ran):
    (tmp_path / 'test_x.py').write_text(
        'import os\nimport pytest\n\n\n@pytest.mark.one_loop\ndef test_a():\n    pass\n\n\n'
        'def test_b():\n    assert os.environ["SERVER_OPTIONS"] == "--loops 3"\n')
    run = parts.Run(str(tmp_path), ['loops'], 10)
    found = parts.pytest(run, '.', 'loops', ['test_x'], marks, parts.LOOPS)
    assert outcomes(found) == {f'loops/test_x/{name}': 'passed' for name in ran}


@pytest.mark.parametrize('filters,ident,wanted', [
    ([], 'core', True), (['core'], 'core', True), (['core/money'], 'core', True),
    (['core'], 'net/http', False), (['net'], 'net/http', True), (['cor'], 'core', False)])
def test_filters_are_whole_parts_of_ids(filters, ident, wanted):
    assert parts.Run('.', filters, 10).wants(ident) == wanted


def test_what_takes_longest_begins_first_and_nothing_is_left_out():
    names = ['base', 'contract', 'core', 'app']
    assert parts.longest_first(names, lambda n: n) == ['app', 'contract', 'base', 'core']


def test_a_build_ahead_is_idle_and_its_steps_follow_each_other(tmp_path):
    done = ahead.Ahead(str(tmp_path), [
        ahead.Step(['sh', '-c', 'chrt -p $$ > policy; echo $WORD > word'], {'WORD': 'one'}),
        ahead.Step(['cp', 'word', 'again']), ahead.Step(['false']),
        ahead.Step(['touch', 'never'])])
    done.begin()
    done.thread.join(60)
    assert 'SCHED_IDLE' in (tmp_path / 'policy').read_text()
    assert (tmp_path / 'again').read_text() == 'one\n' and not (tmp_path / 'never').exists()
    done.end()


@pytest.mark.parametrize('name', ['', 'san/core'])
def test_what_is_ended_ahead_does_nothing_more_and_counts_for_nothing(tmp_path, name):
    begun = ahead.Ahead(str(tmp_path), [
        ahead.Step(['sh', '-c', 'touch begun; sleep 600'], {}, name),
        ahead.Step(['touch', 'never'])])
    begun.begin()
    while not (tmp_path / 'begun').exists():
        time.sleep(0.01)
    begun.end()
    assert not begun.thread.is_alive() and begun.child.returncode == -signal.SIGTERM
    begun.end()
    assert not (tmp_path / 'never').exists() and not begun.done


def test_programs_ahead_are_kept_with_their_end_and_what_they_said(tmp_path):
    done = ahead.Ahead(str(tmp_path), iter([
        ahead.Step(['sh', '-c', 'echo bad; echo worse >&2; exit 3'], {}, 'san/core'),
        ahead.Step(['sh', '-c', 'kill -9 $$'], {}, 'san/app'),
        ahead.Step(['sh', '-c', 'echo $WORD'], {'WORD': 'good'}, 'san/sim')]))
    done.begin()
    done.thread.join(60)
    done.end()
    assert [(words[-1], one.status, one.output) for words, one in done.done.items()] == [
        ('echo bad; echo worse >&2; exit 3', 3, 'bad\nworse\n'), ('kill -9 $$', -9, ''),
        ('echo $WORD', 0, 'good\n')]


PROGRAM = """#!/bin/sh
echo "$0 $@" >>calls
echo '[ RUN      ] a/b'
echo '[       OK ] a/b'
echo '1 passed, 0 failed'
"""


def test_what_ran_ahead_to_its_end_is_counted_and_not_run_again(tmp_path, monkeypatch):
    for name in ('core', 'net'):
        (tmp_path / name).write_text(PROGRAM)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(parts, 'build_steps', lambda *_: [])
    monkeypatch.setattr(parts, 'programs', lambda *_: [('core', ['./core'], {}),
                                                       ('net', ['./net'], {})])
    run = parts.Run(str(tmp_path), [], 10)
    run.later = ['san']
    run.begin_ahead()
    run.ahead.thread.join(60)
    assert (tmp_path / 'calls').read_text() == './core \n'
    assert outcomes(parts.sanitized(run)) == {'san/core/a/b': 'passed', 'san/net/a/b': 'passed'}
    assert (tmp_path / 'calls').read_text() == './core \n./net \n'
    assert outcomes(parts.sanitized(run)) == {'san/core/a/b': 'passed', 'san/net/a/b': 'passed'}
    assert (tmp_path / 'calls').read_text().count('./core') == 2


def test_a_command_that_does_not_end_is_ended_and_its_work_is_told(tmp_path):
    run, work = parts.Run(str(tmp_path), [], 10), []
    status, output = parts.command(run, ['sh', '-c', 'echo begun; sleep 600'], 1, work=work)
    assert status is None and output == 'begun\n\nended after 1 s without an end\n'
    status, output = parts.command(run, ['sh', '-c', 'kill -9 $$'], work=work)
    assert (status, output) == (-9, '') and len(work) == 2 and sum(work) >= 0


def test_builds_begin_ahead_only_for_parts_to_come(tmp_path):
    run = parts.Run(str(tmp_path), [], 10)
    run.later = ['web', 'foreign']
    run.begin_ahead()
    assert run.ahead is None
    run.end_ahead()
