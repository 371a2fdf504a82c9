"""The parts of the test run. Each takes a Run and returns a list of Result."""
import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from .ahead import Ahead, Step
from .results import (Result, parse_junit, parse_program, parse_slices, parse_tap,
                      read_expected_skips)

PYTHON = '/usr/bin/python3'  # Debian's, which has pytest and websockets
PROGRAM_SECONDS_MAX = 900  # the largest program takes 200 s under sanitizers
PYTEST_SECONDS_MAX = 1200
AUTOBAHN_CASES = '1.*,5.*,9.1.*'  # seconds; all of them take 20 minutes
LINTS = ('cppcheck', 'format', 'layers', 'tidy', 'checklist', 'api', 'events')  # longest first
# Warnings are errors in `build`. Elsewhere the compiler warns of what instrumentation makes it see.
BUILDS = {
    'build': ([], {}),
    'build-san': (['-Db_sanitize=address,undefined', '-Db_lundef=false', '-Dslow_asserts=true',
                   '-Doptimization=1', '-Dc_args=-g1', '-Dwerror=false'], {}),
    'build-tsan': (['-Db_sanitize=thread', '-Db_lundef=false', '-Dwerror=false'], {}),
    'build-fuzz': (['-Dfuzz=true', '-Db_lundef=false', '-Dwerror=false'], {'CC': 'clang'}),
}
SANITIZERS = {
    'ASAN_OPTIONS': 'abort_on_error=0:detect_stack_use_after_return=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1',
}
SAN_TARGETS = ['meson-test-prereq']  # the program and the measurements are of `build`
# Programs whose tests several processes share, because one would be the last that runs for minutes.
SLICES = {'app': 4}
# Programs that compute, and neither wait for anybody nor leave anything behind where they are
# ended: under sanitizers they may run ahead.
COMPUTES = ('app', 'core', 'feeds_synthetic', 'ledger', 'sim')
# What takes longest, about in that order: files that start a Kafka not all at once.
LONG = ('app', 'contract', 'adapters', 'roles', 'sim', 'net', 'test_compare', 'test_recordings',
        'test_segments', 'test_cluster', 'test_desk_link', 'test_streams', 'test_standby',
        'test_crashes', 'test_schema_registry', 'test_ledger_dynamodb', 'test_streams_brokers',
        'test_uof_recovery', 'test_desk_apart', 'test_partitions', 'test_projection_dynamodb',
        'test_uof_broker', 'test_consumers', 'test_bet_service', 'test_ledger_database',
        'test_delivered_again', 'test_partitions_redis', 'test_engines_failing',
        'test_bets_on_their_way',
        'test_roles_killed', 'test_churn')
# At once, beside as many as there are processors: most conversations wait for a server three
# quarters of their time, and some programs for an engine.
CONVERSATIONS_MORE, PROGRAMS_MORE = 2, 1
# Conversations that are held once more with a server of several network loops, but for the tests
# that are marked one_loop.
LOOPS = {'SERVER_OPTIONS': '--loops 3'}
LOOPS_FILES = ('test_bets', 'test_binary', 'test_price_watch', 'test_push')
# Those in which whatever crosses threads does so. Memory is larger there: resident is left out.
TSAN_FILES = ('test_bets', 'test_handover', 'test_loops', 'test_price_watch', 'test_push',
              'test_tls')
TSAN_MARKS = 'not one_loop and not resident'


class Run:
    """One run: where the tree is, what was asked for, and how long to fuzz; and, when it is over,
    how long each build, program and file of tests took, and of the processors' time: seconds."""

    def __init__(self, root, filters, fuzz_seconds):
        self.root, self.filters, self.fuzz_seconds = root, filters, fuzz_seconds
        self.cpus = os.cpu_count() or 1
        self.took = {}
        self.ahead, self.later = None, ()  # names of the parts to come

    def begin_ahead(self):
        """Begins what later parts will ask for; once."""
        if self.ahead is None and {'san', 'fuzz'} & set(self.later):
            self.ahead = Ahead(self.root, steps_ahead(self, self.later))
            self.ahead.begin()

    def end_ahead(self):
        if self.ahead:
            self.ahead.end()

    def had_ahead(self, step):
        """What this step came to ahead, or None; it is told once."""
        return self.ahead.done.pop(tuple(step.argv), None) if self.ahead else None

    @contextmanager
    def timed(self, what):
        """Gives the command() in it where to add the processors' time."""
        begin, work = time.monotonic(), []
        yield work
        self.took[what] = time.monotonic() - begin, sum(work)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def expected_skips(self):
        return read_expected_skips(self.path('tests', 'expected-skips.txt'))

    def wants(self, ident):
        """Whether a test, or a folder of tests, lies on the path of some filter."""
        return not self.filters or any(
            on_path(ident, f) or on_path(f, ident) for f in self.filters)

    def wants_part(self, prefix):
        return not self.filters or any(on_path(f, prefix) for f in self.filters)


def on_path(ident, prefix):
    return ident == prefix or ident.startswith(prefix + '/')


def command(run, argv, seconds=PROGRAM_SECONDS_MAX, env=None, work=None):
    """Runs a command in its own process group; returns (status, output), status None on timeout.
    Adds to `work` what it and those whose end it waited for had of the processors, in seconds."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(argv, cwd=run.root, stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=subprocess.STDOUT, env={**os.environ, **(env or {})},
                                 start_new_session=True)
        late = threading.Event()
        end = threading.Timer(seconds, lambda: (late.set(), os.killpg(child.pid, signal.SIGKILL)))
        end.start()
        _, status, usage = os.wait4(child.pid, 0)
        end.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        if work is not None:
            work.append(usage.ru_utime + usage.ru_stime)
        output.seek(0)
        text = output.read().decode('utf-8', 'replace')
    if late.is_set():
        return None, text + f'\nended after {seconds} s without an end\n'
    return child.returncode, text


def build_steps(run, folder, targets):
    """What is to be run: the set-up where there is none, the build."""
    options, env = BUILDS[folder]
    steps = [Step(['meson', 'setup', folder, *options], env),
             Step(['ninja', '-C', folder, *targets], env)]
    return steps if not os.path.exists(run.path(folder, 'build.ninja')) else steps[1:]


def steps_ahead(run, later):
    """The builds of the parts to come, and then what only computes."""
    if 'san' in later:
        yield from build_steps(run, 'build-san', SAN_TARGETS)
    if 'fuzz' in later:
        yield from build_steps(run, 'build-fuzz', fuzz_targets(run))
    if 'san' in later:
        yield from (step for ident, step in program_steps(run, 'build-san', 'san/', SANITIZERS)
                    if ident in COMPUTES)


def build(run, folder, targets=()):
    """Returns None, or the failed Result of a build that does not work."""
    if folder != 'build':
        run.end_ahead()
    for step in build_steps(run, folder, targets):
        name = 'setup' if step.argv[0] == 'meson' else 'compile'
        with run.timed(f'{folder}/{name}') as work:
            status, output = command(run, step.argv, 1800, step.env, work)
        if status != 0:
            return Result(f'{folder}/{name}', 'failed', output)
    return None


def programs(run, folder):
    """The test programs of a build folder as (id of the folder of tests, command)."""
    out = subprocess.run(['meson', 'introspect', '--tests', folder], cwd=run.root,
                         stdout=subprocess.PIPE, check=True).stdout
    found = []
    for test in json.loads(out):
        below = os.path.relpath(os.path.dirname(test['cmd'][0]), run.path(folder, 'tests'))
        found.append((below.removeprefix('unit/'), test['cmd'], test['env']))
    return found


def program_steps(run, folder, prefix, env):
    """(id of its folder of tests, step) of each program, or slice of one, that is wanted."""
    found = []
    for ident, argv, own_env in longest_first(programs(run, folder), lambda p: p[0]):
        if not run.wants(prefix + ident):
            continue
        wanted = [f[len(prefix + ident) + 1:] for f in run.filters
                  if f.startswith(prefix + ident + '/')]
        if any(on_path(prefix + ident, f) for f in run.filters):
            wanted = []
        for words in slices_of(ident):
            found.append((ident, Step([*argv, *words, *wanted], {**env, **own_env},
                                      ' '.join([prefix + ident, *words]))))
    return found


def run_programs(run, folder, prefix, env, targets=()):
    failed = build(run, folder, targets)
    if failed:
        return [failed]
    if folder == 'build':
        run.begin_ahead()

    def one(entry):
        ident, step = entry
        had = run.had_ahead(step)
        if had:
            run.took[step.name] = had.seconds, had.work
            return ident, (had.output, had.status)
        with run.timed(step.name) as work:
            status, output = command(run, step.argv, env=step.env, work=work)
        return ident, (output, status)

    with ThreadPoolExecutor(run.cpus + PROGRAMS_MORE) as pool:
        done = list(pool.map(one, program_steps(run, folder, prefix, env)))
    found = []
    for ident in dict.fromkeys(ident for ident, _ in done):
        outputs = [output for other, output in done if other == ident]
        if ident in SLICES:
            found += parse_slices(prefix + ident, outputs)
        else:
            found += [r for output in outputs for r in parse_program(prefix + ident, *output)]
    return found


def slices_of(ident):
    """The words by which each process of a program gets its tests."""
    count = SLICES.get(ident)
    return [[f'--slice={k}/{count}'] for k in range(count)] if count else [[]]


def longest_first(items, name_of):
    """What takes minutes begins first, so that it is not what everything waits for at the end."""
    return sorted(items, key=lambda item: LONG.index(name_of(item)) if name_of(item) in LONG
                  else len(LONG))


def unit(run):
    return run_programs(run, 'build', '', {})


def sanitized(run):
    return run_programs(run, 'build-san', 'san/', SANITIZERS, SAN_TARGETS)


def lint(run):
    sources = sorted(glob.glob(run.path('src', '**', '*.[ch]'), recursive=True)
                     + glob.glob(run.path('tests', '**', '*.[ch]'), recursive=True)
                     + glob.glob(run.path('bench', '**', '*.[ch]'), recursive=True))
    commands = {
        'format': ['clang-format', '--dry-run', '-Werror', *sources],
        'layers': ['tools/check-layers'],
        'tidy': ['tools/tidy'],
        'checklist': ['tools/check-checklist'],
        'api': ['tools/check-api'],
        'events': ['tools/check-events'],
        'cppcheck': ['cppcheck', '--quiet', '--std=c11', '--enable=warning,performance,portability',
                     '--inline-suppr', '--suppress=missingIncludeSystem', '--error-exitcode=1',
                     '--suppressions-list=tools/cppcheck.suppress',
                     f'-j{run.cpus}', '-D__GNUC__=12', '-D__VA_OPT__(...)=__VA_ARGS__',
                     '-DOVERROUND_VERSION="0"', '-Isrc', 'src'],
    }

    def one(name):
        status, output = command(run, commands[name], 600)
        return Result('lint/' + name, 'passed' if status == 0 else 'failed', output)

    with ThreadPoolExecutor(run.cpus) as pool:
        return list(pool.map(one, [name for name in LINTS if run.wants('lint/' + name)]))


def pytest(run, folder, prefix, stems=None, marks='', env=None):
    """Runs a folder of pytest files, or some of them, each in a process of its own."""
    stems = stems or [os.path.basename(f)[:-len('.py')]
                      for f in sorted(glob.glob(run.path(folder, 'test_*.py')))]
    stems = [s for s in stems if run.wants(f'{prefix}/{s}')]
    with ThreadPoolExecutor(run.cpus + CONVERSATIONS_MORE) as pool:
        stems = longest_first(stems, lambda stem: stem)
        found = pool.map(lambda stem: pytest_file(run, folder, prefix, stem, marks, env), stems)
        return [r for results in found for r in results]


def pytest_file(run, folder, prefix, stem, marks='', env=None):
    """A crash of pytest itself is a failure too."""
    argv = [PYTHON, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-rs', '-m', marks]
    names = [f[len(f'{prefix}/{stem}/'):] for f in run.filters
             if f.startswith(f'{prefix}/{stem}/')]
    argv += [f'{folder}/{stem}.py::{name}' for name in names] or [f'{folder}/{stem}.py']
    with tempfile.TemporaryDirectory() as scratch:
        report = os.path.join(scratch, 'report.xml')
        with run.timed(f'{prefix}/{stem}') as work:
            status, output = command(run, argv + [f'--junitxml={report}',
                                                  f'--basetemp={os.path.join(scratch, "tests")}'],
                                     PYTEST_SECONDS_MAX,
                                     {'PYTHONPYCACHEPREFIX': run.path('build', 'pycache'),
                                      **(env or {})},
                                     work)
        found = parse_junit(report, prefix) if os.path.exists(report) else []
    if status != 0 and not any(r.outcome == 'failed' for r in found):
        found.append(Result(f'{prefix}/{stem}/(pytest)', 'failed', f'status {status}\n{output}'))
    return found


def tools(run):
    return pytest(run, 'tests/unit/tools', 'tools')


def build_program(run, prefix):
    failed = build(run, 'build')
    if not failed and not os.path.exists(run.path('build', 'overround')):
        failed = Result(f'{prefix}/(program)', 'failed', 'the build makes no build/overround')
    return failed


def end_to_end(run):
    failed = build_program(run, 'e2e')
    if failed:
        return [failed]
    run.begin_ahead()
    return pytest(run, 'tests/e2e', 'e2e')


def several_loops(run):
    failed = build_program(run, 'loops')
    return [failed] if failed else pytest(run, 'tests/e2e', 'loops', LOOPS_FILES, 'not one_loop',
                                          LOOPS)


def races(run):
    """The whole program under ThreadSanitizer, with several loops. A server that a test kills
    reports nothing by its exit status, so what was written is looked at."""
    failed = build(run, 'build-tsan', ['overround'])
    if failed:
        return [failed]
    with tempfile.TemporaryDirectory() as scratch:
        env = {**LOOPS, 'OVERROUND_BINARY': run.path('build-tsan', 'overround'),
               'TSAN_OPTIONS': f'exitcode=66 log_path={scratch}/report'}
        found = pytest(run, 'tests/e2e', 'tsan', TSAN_FILES, TSAN_MARKS, env)
        return found + read_reports(scratch)


def read_reports(folder):
    """One Result: whether any process has reported anything."""
    text = ''
    for path in sorted(glob.glob(os.path.join(folder, 'report*'))):
        with open(path, encoding='utf-8', errors='replace') as file:
            text += file.read()
    return [Result('tsan/(reports)', 'failed' if text else 'passed', text)]


def web(run):
    files = sorted(glob.glob(run.path('tests', 'web', 'test_*.mjs')))
    if not files:
        return []
    status, output = command(run, ['node', '--test', '--test-reporter=tap', *files])
    found = [r for r in parse_tap(output, 'web') if run.wants(r.id)]
    if status != 0 and not any(r.outcome == 'failed' for r in found) or not found:
        found.append(Result('web/(node)', 'failed', f'status {status}\n{output}'))
    return found


def fuzz_names(run):
    names = sorted(os.path.basename(f)[len('fuzz_'):-len('.c')]
                   for f in glob.glob(run.path('tests', 'fuzz', 'fuzz_*.c')))
    return [n for n in names if run.wants('fuzz/' + n)]


def fuzz_targets(run):
    return ['tests/fuzz/fuzz-' + name for name in fuzz_names(run)]


def fuzz(run):
    """Each target twice: over its kept corpus, then searching for a while from it."""
    names = fuzz_names(run)
    if not names:
        return []
    failed = build(run, 'build-fuzz', fuzz_targets(run))
    if failed:
        return [failed]
    with ThreadPoolExecutor(run.cpus) as pool:
        return [r for found in pool.map(lambda n: fuzz_one(run, n), names) for r in found]


def fuzz_one(run, name):
    corpus = run.path('tests', 'fuzz', 'corpus', name)
    if not os.path.isdir(corpus) or not os.listdir(corpus):
        return [Result(f'fuzz/{name}/corpus', 'failed', f'no inputs are kept in {corpus}')]
    found_dir = run.path('build-fuzz', 'found', name)  # stays, so that an input can be kept
    shutil.rmtree(found_dir, ignore_errors=True)
    os.makedirs(found_dir)
    program = run.path('build-fuzz', 'tests', 'fuzz', 'fuzz-' + name)
    options = ['-rss_limit_mb=2048', '-timeout=10', '-print_final_stats=1', '-verbosity=1',
               f'-artifact_prefix={found_dir}/bad-']
    status, output = command(run, [program, '-runs=0', *options, corpus])
    results = [Result(f'fuzz/{name}/corpus', 'passed' if status == 0 else 'failed', output)]
    if status == 0 and run.fuzz_seconds > 0:
        status, output = command(
            run, [program, f'-max_total_time={run.fuzz_seconds}', *options, found_dir, corpus],
            run.fuzz_seconds + 120)
        results.append(Result(f'fuzz/{name}/search', 'passed' if status == 0 else 'failed',
                              output))
    return results


def foreign(run):
    """What others wrote: verifiers of our proofs, from their registries; and some cases of
    Autobahn's suite for WebSockets, where `make autobahn` has installed it; Porcupine over a
    history of wallets. And what is written again in another language: the settlement of bets."""
    failed = build(run, 'build')
    if failed:
        return [failed]
    found = []
    if run.wants('foreign/bets'):
        found += foreign_one(run, ['bets', run.path('build')], 'bets')
    if run.wants('foreign/pymerkle') or run.wants('foreign/transparency_dev_merkle'):
        found += foreign_one(run, ['run', run.path('build')], 'pymerkle', 'transparency_dev_merkle')
    if run.wants('foreign/linearizable'):
        found += foreign_one(run, ['linearizable', run.path('build')], 'linearizable')
    if run.wants('foreign/autobahn'):
        found += foreign_one(run, ['autobahn', run.path('build'), '--if-installed', '--cases',
                                   AUTOBAHN_CASES], 'autobahn')
    return found


def foreign_one(run, words, *names):
    status, output = command(run, [run.path('tests', 'foreign', words[0]), *words[1:]])
    outcome = {0: 'passed', 75: 'skipped'}.get(status, 'failed')
    return [Result(f'foreign/{name}', outcome, output) for name in names]


# In the order of running: what fails fastest comes first, and what needs builds of its own after
# the conversations, which leave time for them. "unit" takes every folder of compiled tests, so it
# has no name that a filter would begin with.
PARTS = (('lint', lint), ('tools', tools), ('unit', unit), ('web', web), ('e2e', end_to_end),
         ('loops', several_loops), ('foreign', foreign), ('san', sanitized), ('fuzz', fuzz),
         ('tsan', races))
ONLY_WHEN_NAMED = {'tsan'}  # minutes


def chosen(run, san_only):
    """The parts that the filters ask for, as (name, function)."""
    if san_only:
        run.filters = ['san/' + f for f in run.filters] or ['san']
    named = {name for name, _ in PARTS if name != 'unit'}
    other = any(f.split('/')[0] not in named for f in run.filters)
    return [(name, part) for name, part in PARTS
            if (name == 'unit' and (other or not run.filters))
            or (name != 'unit' and run.wants_part(name)
                and (run.filters or name not in ONLY_WHEN_NAMED))]
