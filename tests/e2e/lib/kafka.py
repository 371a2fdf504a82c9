"""A Kafka of a test's own (tests/lib/run-kafka): never one that runs already."""
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from decimal import Decimal

import jsonschema
import pytest

from .ports import free_ports
from .server import BINARY, ENVIRONMENT, ROOT
from .until import until

RUN = os.path.join(ROOT, 'tests', 'lib', 'run-kafka')
JARS = os.path.join(ROOT, 'build', 'kafka')
ABSENT = 77
SCHEMAS = {}


def check_value(topic, value):
    """Against docs/events; numbers are read as floats for that only."""
    if topic not in SCHEMAS:
        with open(os.path.join(ROOT, 'docs', 'events', f'{topic}.json'), encoding='utf-8') as file:
            SCHEMAS[topic] = jsonschema.Draft7Validator(json.load(file))
    error = next(SCHEMAS[topic].iter_errors(json.loads(value)), None)
    return error and f'{topic}: {error.message} in {value[:400]}'


class Kafka:
    """`count` brokers; each may be ended and started again on its data. `through`: ports that
    clients are to use instead, of proxies before the brokers; `host`: where clients find them;
    `disks`: a SlowDisk of each."""

    def __init__(self, folder, count=1, through=(), host='127.0.0.1', disks=()):
        self.folder, self.count, self.host, self.disks = str(folder), count, host, disks
        ports = free_ports(3 * count)
        self.ports = ports[:count]
        self.shown = list(through) or self.ports
        self.nodes = ','.join(f'{ports[i]}:{ports[count + i]}:{ports[2 * count + i]}'
                              for i in range(count))
        self.inner, self.control = ports[count:2 * count], ports[2 * count:]
        self.brokers = [None] * count

    @property
    def url(self):
        return 'kafka://' + ','.join(f'{self.host}:{port}' for port in self.shown)

    @property
    def servers(self):
        return ','.join(f'{self.host}:{port}' for port in self.ports)

    def begin(self, node):
        inner = f'INNER://127.0.0.1:{self.inner[node]}'
        more = [f'listeners=CLIENT://{self.host}:{self.ports[node]},{inner},'
                f'CONTROLLER://127.0.0.1:{self.control[node]}',
                f'advertised.listeners=CLIENT://{self.host}:{self.shown[node]},{inner}']
        # pylint: disable=consider-using-with
        self.brokers[node] = subprocess.Popen(
            [RUN, os.path.join(self.folder, str(node)), str(node + 1), self.nodes, *more],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(self.disks[node].environment if self.disks else {})})

    def answers(self, node):
        if self.brokers[node].poll() == ABSENT:
            pytest.skip("no Java, no Maven, or Kafka's jars are out of reach")
        assert self.brokers[node].poll() is None, self.log(node)
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.ports[node])) == 0

    def start(self):
        if subprocess.run([RUN, '--fetch'], check=False).returncode == ABSENT:
            pytest.skip("no Java, no Maven, or Kafka's jars are out of reach")
        for node in range(self.count):
            if self.brokers[node] is None:
                self.begin(node)
        for node in range(self.count):
            until(lambda node=node: self.answers(node), 120)
        return self

    def end(self, node, sign=signal.SIGKILL):
        self.brokers[node].send_signal(sign)
        self.brokers[node].wait(60)
        self.brokers[node] = None

    def log(self, node):
        with open(os.path.join(self.folder, str(node), 'out'), encoding='utf-8',
                  errors='replace') as file:
            return file.read()[-4000:]

    def close(self):
        for node in range(self.count):
            if self.brokers[node] is not None:
                self.end(node)
        shutil.rmtree(self.folder, ignore_errors=True)

    def foreign(self, tool, *arguments, said=''):
        """One of Kafka's own tools, to its end; `said`: what it reads."""
        done = subprocess.run(['java', '-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', f'{JARS}/*',
                               f'org.apache.kafka.tools.{tool}', '--bootstrap-server',
                               self.servers, *arguments], input=said, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                              check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    def tail(self, topic, group='test'):
        return Tail(self.url, topic, group)


class Tail:
    """`overround stream tail`: a member of the group; its lines, parsed, in `lines`."""

    def __init__(self, url, topic, group):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([BINARY, 'stream', 'tail', '--streams', url, '--topic',
                                         topic, '--group', group], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.lines, self.topic, self.wrong = [], topic, None
        self.thread = threading.Thread(target=self.collect, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def collect(self):
        for line in self.process.stdout:
            if line.endswith('\n'):  # a killed process may leave a part of one
                value = line[line.index('"value":') + len('"value":'):-2]
                self.wrong = self.wrong or check_value(self.topic, value)
                self.lines.append(json.loads(line, parse_float=Decimal))

    def end(self, sign=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sign)
        status = self.process.wait(60)
        self.thread.join(60)
        self.process.stdout.close()
        assert self.wrong is None, self.wrong
        return status
