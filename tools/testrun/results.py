"""Results of tests: how each kind of output is read, counted and told."""
import fnmatch
import re
import xml.etree.ElementTree
from dataclasses import dataclass

CLOSING = re.compile(r'^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$', re.M)
OUTPUT_LINES_MAX = 200
LONGEST = 25


@dataclass
class Result:
    id: str
    outcome: str  # passed, failed or skipped
    output: str = ''
    reason: str = ''


def parse_program(folder, output, status):
    """Reads what a program of tests/lib/test.c printed. A program that does not live to print its
    closing line, or whose count differs from its tests, is a failure of its own."""
    found, running = [], None
    for line in output.splitlines():
        match = re.match(r'\[ +(RUN|OK|FAILED|SKIPPED|PASSED) +\] (\S+)$', line)
        if not match or (match[1] != 'RUN' and match[2] != running):
            continue  # cmocka's own summary repeats names after the last test
        if match[1] == 'RUN':
            running = match[2]
            continue
        outcome = {'OK': 'passed', 'FAILED': 'failed', 'SKIPPED': 'skipped'}[match[1]]
        part = part_of(output, running)
        why = re.search(r'^skipped: (.*)$', part, re.M) if outcome == 'skipped' else None
        found.append(Result(f'{folder}/{running}', outcome, part, why[1] if why else ''))
        running = None
    closing = CLOSING.search(output)
    if running is not None:
        found.append(Result(f'{folder}/{running}', 'failed',
                            f'the program ended in this test with status {status}\n'
                            + part_of(output, running)))
    elif not closing:
        found.append(Result(f'{folder}/(program)', 'failed',
                            f'ended without its closing line, status {status}\n{output}'))
    elif sum(int(n or 0) for n in closing.groups()) != len(found):
        found.append(Result(f'{folder}/(program)', 'failed',
                            f'"{closing[0]}", but {len(found)} tests were seen\n{output}'))
    elif status != 0 and not any(r.outcome == 'failed' for r in found):
        found.append(Result(f'{folder}/(program)', 'failed',
                            f'every test passed, yet the status is {status}\n{output}'))
    return found


def parse_slices(folder, outputs):
    """Reads what the slices of one program printed, as (output, status) each. Together they must
    have had every test of it."""
    found, had, whole = [], 0, set()
    for output, status in outputs:
        found += parse_program(folder, output, status)
        match = re.search(r'^slice \d+/\d+: (\d+) of (\d+) tests$', output, re.M)
        had += int(match[1]) if match else 0
        whole.add(int(match[2]) if match else None)
    if whole != {had} or len({r.id for r in found}) != len(found):
        found.append(Result(f'{folder}/(program)', 'failed',
                            f'its slices had {had} tests of {whole}, and told of {len(found)}'))
    return found


def part_of(output, test):
    """The lines of output from the start of one test to the start of the next."""
    begin = output.find(f'] {test}\n')
    if begin < 0:
        return output
    end = output.find('\n[ RUN ', begin)
    return output[output.rfind('\n', 0, begin) + 1:end + 1 if end >= 0 else None]


def parse_junit(path, prefix):
    """Reads pytest's XML. Ids are PREFIX/file stem/test name."""
    found = []
    for case in xml.etree.ElementTree.parse(path).iter('testcase'):
        stem = case.get('classname', '').split('.')[-1]
        ident = f'{prefix}/{stem}/{case.get("name")}' if stem else f'{prefix}/{case.get("name")}'
        bad = [c for c in case if c.tag in ('failure', 'error')]
        skip = case.find('skipped')
        if bad:
            captured = ''.join(c.text or '' for c in case if c.tag.startswith('system-'))
            text = '\n'.join((c.get('message') or '') + '\n' + (c.text or '') for c in bad)
            found.append(Result(ident, 'failed', text + '\n' + captured))
        elif skip is not None:
            found.append(Result(ident, 'skipped', '', skip.get('message') or ''))
        else:
            found.append(Result(ident, 'passed'))
    return found


def parse_tap(output, prefix):
    """Reads the TAP of `node --test`: the innermost points only, a file's own point is a sum."""
    found, names, leaf = [], {}, False
    for line in output.splitlines():
        match = re.match(r'( *)(# Subtest: |ok \d+ - |not ok \d+ - )(.*)$', line)
        if not match:
            continue
        depth, kind, text = len(match[1]) // 4, match[2], match[3]
        if kind == '# Subtest: ':
            names = {d: n for d, n in names.items() if d < depth}
            names[depth] = text
            leaf = True
            continue
        if leaf:
            name, _, directive = text.partition(' # ')
            path = '/'.join([names[d] for d in sorted(names) if d < depth] + [name])
            skipped = directive.upper().startswith('SKIP')
            outcome = 'skipped' if skipped else 'failed' if kind[0] == 'n' else 'passed'
            found.append(Result(f'{prefix}/{path}', outcome,
                                output if outcome == 'failed' else '', directive))
        leaf = False
    return found


BECAUSE = 'because '


def read_expected_skips(path):
    """{pattern of ids: reason} from lines of `PATTERN  reason`, and of any test {`because reason`:
    reason} from lines of `because REASON`; # begins a comment."""
    patterns = {}
    try:
        lines = open(path, encoding='utf-8').read().splitlines()
    except FileNotFoundError:
        return patterns
    for line in lines:
        if line.startswith(BECAUSE):
            patterns[line.strip()] = line.strip().removeprefix(BECAUSE)
        elif line.strip() and not line.lstrip().startswith('#'):
            pattern, _, reason = line.strip().partition(' ')
            patterns[pattern] = reason.strip()
    return patterns


def is_expected(result, pattern, why):
    """By its id, or because it says itself that something is not here."""
    if pattern.startswith(BECAUSE):
        return result.reason.startswith(why)
    return fnmatch.fnmatchcase(result.id, pattern)


def apply_expected_skips(found, patterns):
    for result in found:
        if result.outcome != 'skipped':
            continue
        known = [why for pattern, why in patterns.items() if is_expected(result, pattern, why)]
        if known:
            result.reason = result.reason or known[0]
        else:
            result.outcome = 'failed'
            result.output = ('skipped, but tests/expected-skips.txt does not list it: '
                             + (result.reason or 'no reason given'))
    return found


def report(result):
    """Prints failures with their output, and skips with their reason."""
    if result.outcome == 'failed':
        lines = result.output.rstrip().splitlines()
        if len(lines) > OUTPUT_LINES_MAX:
            lines = [f'... {len(lines) - OUTPUT_LINES_MAX} lines left out'] \
                + lines[-OUTPUT_LINES_MAX:]
        print(f'FAILED {result.id}')
        # Indented, so that no line of a test can be taken for the closing line.
        print(''.join(f'    {line}\n' for line in lines), end='')
    elif result.outcome == 'skipped':
        print(f'SKIPPED {result.id}: {result.reason or "no reason given"}')


def counts(found):
    return [sum(r.outcome == o for r in found) for o in ('passed', 'failed', 'skipped')]


def closing_line(found):
    passed, failed, skipped = counts(found)
    return f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else '')


def print_summary(timings, took):
    """`took`: seconds of each build, program and file of tests, and what of the processors' time;
    the longest are told."""
    print('--- longest (and its work)')
    for name, (seconds, work) in sorted(took.items(), key=lambda item: -item[1][0])[:LONGEST]:
        print(f'{seconds:7.1f} s {work:7.1f} s  {name}')
    print('--- summary')
    for name, seconds, work, found in timings:
        passed, failed, skipped = counts(found)
        print(f'{name:<12} {seconds:7.1f} s {work:7.1f} s of work {passed:5} ok {failed:4} bad '
              f'{skipped:4} skip')
    failures = [r.id for *_, found in timings for r in found if r.outcome == 'failed']
    for ident in failures:
        print(f'bad: {ident}')
