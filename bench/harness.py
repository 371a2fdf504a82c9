"""What the measurements share: a pinned server, the generator, and JSON lines with the machine."""
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..'))
SERVER_CPU, LOAD_CPU = 0, 1
START_SECONDS_MAX, END_SECONDS_MAX = 60, 30
BETS_MAX = '10000000'  # more than a run places


def clean_environment():
    """Without variables of ours: the program takes each OVERROUND_... for an option."""
    return {k: v for k, v in os.environ.items() if not k.startswith('OVERROUND_')}


def pinned(cpu, argv):
    """The command on one core, where there are two."""
    return ['taskset', '-c', str(cpu), *argv] if (os.cpu_count() or 1) > 1 else argv


def end_process(process):
    """Asked to end, and made to where it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def machine():
    model = 'unknown'
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        for line in file:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
                break
    return {'nproc': os.cpu_count(), 'cpu': model, 'kernel': os.uname().release}


def processor_ticks():
    """Of all cores since the start: (given to others while they were wanted here, all)."""
    with open('/proc/stat', encoding='ascii') as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return ticks[7], sum(ticks)


def documents(text):
    """All JSON values of a text, one behind the other."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


class Bench:
    """Where the programs are, where data may be written, and how long a run takes."""

    def __init__(self, build, folder, seconds, ways=()):
        self.build, self.seconds, self.ways = build, seconds, ways
        self.binary = os.path.join(build, 'overround')
        self.folder = tempfile.mkdtemp(prefix='bench-', dir=folder)
        self.machine = machine()
        self.ticks = processor_ticks()

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def emit(self, name, **values):
        # The load average tells whether somebody else was using the machine just then.
        before, self.ticks = self.ticks, processor_ticks()
        steal, all_of_it = (now - then for now, then in zip(self.ticks, before))
        print(json.dumps({'bench': name, **values, 'machine': self.machine,
                          'steal': round(steal / all_of_it, 3) if all_of_it else None,
                          'load_average': os.getloadavg()[0]}), flush=True)

    def note(self, name, why):
        self.emit(name, skipped=why)

    def fresh(self, name):
        path = os.path.join(self.folder, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def program(self, name):
        path = os.path.join(self.build, 'bench', name)
        return path if os.path.exists(path) else None

    def run(self, argv, cpu=None, seconds=900):
        """A command to its end: (what it printed, seconds it took)."""
        begin = time.monotonic()
        done = subprocess.run(argv if cpu is None else pinned(cpu, argv), check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=seconds, env=clean_environment(), stdin=subprocess.DEVNULL)
        took = time.monotonic() - begin
        if done.returncode != 0:
            raise RuntimeError(f'{" ".join(argv[:4])}: {done.returncode}: {done.stderr[-400:]}')
        return done.stdout, took


class Server:
    """`overround serve --profile bench` on the server's core, with data of its own."""

    cpu = SERVER_CPU

    def __init__(self, bench, *options, name='server'):
        self.bench, self.options = bench, options
        self.data = bench.fresh(name)

    def __enter__(self):
        argv = [self.bench.binary, 'serve', '--data', self.data, '--listen', '127.0.0.1:0',
                '--admin', '127.0.0.1:0', '--profile', 'bench', '--log-level', 'warn',
                '--bets-max', BETS_MAX, '--verdicts-max', BETS_MAX, *self.options]
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(pinned(self.cpu, argv), stdout=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True,
                                        env=clean_environment())
        self.url = self.wait_for('ready ')
        self.admin_url = self.wait_for('admin ')
        self.tokens = {}
        return self

    def __exit__(self, *_):
        end_process(self.process)

    @property
    def pid(self):
        return self.process.pid

    @property
    def admin(self):
        return self.admin_url.split('//')[1]

    def wait_for(self, word):
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            line = self.process.stdout.readline()
            if line == '':
                raise RuntimeError('the server ended at its start')
            if line.startswith(word):
                return line[len(word):].strip()
        raise RuntimeError('the server did not start')

    def token(self, role):
        if role not in self.tokens:
            self.tokens[role] = self.bench.run([self.bench.binary, 'token', '--user', f'{role}-1',
                                                '--role', role, '--data', self.data])[0].strip()
        return self.tokens[role]

    def metrics(self):
        """{name with labels: value}"""
        connection = http.client.HTTPConnection(self.admin, timeout=10)
        connection.request('GET', '/metrics',
                           headers={'Authorization': 'Bearer ' + self.token('admin')})
        text = connection.getresponse().read().decode()
        connection.close()
        rows = (line.rsplit(' ', 1) for line in text.splitlines() if line and line[0] != '#')
        return {name: float(value) for name, value in rows}

    def cpu_seconds(self):
        with open(f'/proc/{self.pid}/stat', encoding='utf-8') as file:
            fields = file.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def threads(self):
        """CPU seconds so far: of the loop that decides, and of the log's threads together."""
        used = {'loop': 0.0, 'log': 0.0}
        for task in os.listdir(f'/proc/{self.pid}/task'):
            with open(f'/proc/{self.pid}/task/{task}/stat', encoding='utf-8') as file:
                fields = file.read().rsplit(')', 1)[1].split()
            seconds = (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
            used['loop' if int(task) == self.pid else 'log'] += seconds
        return used

    def load(self, kind, **options):
        """One run of the generator on its own core; its report."""
        argv = [self.bench.binary, 'load', kind, '--url', options.pop('url', self.url), '--data',
                self.data, '--server-pid', str(self.pid)]
        for name, value in {'seconds': self.bench.seconds, **options}.items():
            argv += [f'--{name.replace("_", "-")}', str(value)]
        report = json.loads(self.bench.run(argv, LOAD_CPU)[0])
        report.pop('machine', None)
        return report


class Feed:
    """bench-market-feed beside the generator: markets whose prices move at a rate; rate 0: when
    a byte is written to `asks`."""

    def __init__(self, server, markets, rate, cpu=LOAD_CPU):
        program = server.bench.program('bench-market-feed')
        if program is None:
            raise RuntimeError('bench/bench-market-feed is not built')
        self.argv = pinned(cpu, [program, server.admin, server.token('feed'), str(markets),
                                 str(rate)])

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.asks = self.process.stdin
        if self.process.stdout.readline().strip() != 'ready':
            raise RuntimeError('the feed did not begin')
        return self

    def end(self):
        """Its report."""
        self.process.terminate()
        report = self.process.communicate()[0]
        return json.loads(report) if report else None

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()
