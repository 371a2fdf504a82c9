"""A RabbitMQ of a test's own (tests/lib/run-rabbitmq), never one that runs already; and a producer
of the Unified Odds Feed that publishes there."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from urllib.parse import quote

import pytest

from .ports import free_ports
from .server import ROOT
from .uof import UofFeed, attributes
from .until import until

RUN = os.path.join(ROOT, 'tests', 'lib', 'run-rabbitmq')
ABSENT = 77
EXCHANGE = 'unifiedfeed'
USER, PASSWORD, VHOST = 'to:ken', 's3cret/@%', '/unifiedfeed/7'


class Rabbit:
    """A broker with a user and a vhost as the feed's are, and its exchange; on ports that stay the
    same when it is started again. With `pki` it speaks TLS as well, as its "broker"."""

    def __init__(self, pki=None):
        self.folder = tempfile.mkdtemp(prefix='overround-rabbitmq-', dir='/tmp')
        self.port, *self.inner, self.tls_port = free_ports(4)
        self.pki, self.process = pki, None

    def url(self, user=USER, password=PASSWORD, port=None, scheme='amqp'):
        words = (quote(word, safe='') for word in (user, password, VHOST))
        return '{}://{}:{}@127.0.0.1:{}/{}'.format(scheme, *list(words)[:2], port or self.port,
                                                   quote(VHOST, safe=''))

    @property
    def tls_url(self):
        return self.url(port=self.tls_port, scheme='amqps')

    def settings(self):
        yield f'default_user = {USER}'
        yield f'default_pass = {PASSWORD}'
        yield f'default_vhost = {VHOST}'
        if self.pki:
            yield f'listeners.ssl.1 = 127.0.0.1:{self.tls_port}'
            yield f'ssl_options.cacertfile = {self.pki.cert("ca")}'
            yield f'ssl_options.certfile = {self.pki.cert("broker")}'
            yield f'ssl_options.keyfile = {self.pki.key("broker")}'

    def start(self):
        ports = ':'.join(str(port) for port in (self.port, *self.inner))
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([RUN, self.folder, ports, *self.settings()],
                                        stdin=subprocess.DEVNULL)
        until(lambda: self.answers() or self.process.poll() is not None, 180, 0.2)
        if self.process.poll() == ABSENT:
            pytest.skip('RabbitMQ is not installed')
        assert self.process.poll() is None, self.log()
        return self

    def answers(self):
        """It takes connections before it can serve them: until a channel is open and the exchange
        there."""
        try:
            link = self.connect()
            link.channel().exchange_declare(EXCHANGE, 'topic', durable=True)
            link.close()
        except Exception:  # pylint: disable=broad-except
            return False
        return True

    def connect(self):
        pika = pytest.importorskip('pika', reason='python3-pika is not installed')
        with socket.create_connection(('127.0.0.1', self.port), timeout=30):
            pass
        return pika.BlockingConnection(pika.ConnectionParameters(
            '127.0.0.1', self.port, VHOST, pika.PlainCredentials(USER, PASSWORD), heartbeat=0,
            socket_timeout=15, blocked_connection_timeout=30))

    def log(self):
        with open(os.path.join(self.folder, 'out'), encoding='utf-8', errors='replace') as file:
            return file.read()[-4000:]

    def pause(self, stopped):
        """It stands still, with its connections open."""
        self.process.send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    def end(self, sign=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(sign)
            self.process.wait(60)

    def close(self):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


class BrokerFeed(UofFeed):
    """A producer whose messages go through the broker. The link's heartbeats are the broker's."""

    def __init__(self, rabbit, product=1):
        self.rabbit, self.link, self.sending = rabbit, None, threading.RLock()
        self.published = 0
        super().__init__(None, product)

    def close(self):
        super().close()
        self.forget()

    def forget(self):
        with self.sending:
            link, self.link = self.link, None
        try:
            if link:
                link.close()
        except Exception:  # pylint: disable=broad-except
            pass  # the broker is gone

    def beat(self):
        last = time.monotonic()
        while not self.ended.wait(0.2):
            if not self.silent and time.monotonic() - last >= 5:
                last = time.monotonic()
                try:
                    self.alive()
                except Exception:  # pylint: disable=broad-except
                    self.forget()  # the broker is down just now: some tests want that

    def publish(self, key, body):
        with self.sending:
            if self.link is None:
                self.link = self.rabbit.connect()
                self.channel = self.link.channel()
            self.channel.basic_publish(EXCHANGE, key, body)
            self.published += 1

    def send(self, kind, body='', **named):
        """As a producer would: "hi" but for settlements, and the event in the key."""
        root = attributes(product=self.product, timestamp=self.now(), **named)
        urn = named.get('event_id', '-:-:-').rsplit(':', 1)
        parts = urn if named.get('event_id') else ['-', '-']
        level = 'lo' if 'settle' in kind else 'hi' if named.get('event_id') else '-'
        key = f'{level}.-.live.{kind}.1.{parts[0]}.{parts[1]}.-'
        self.publish(key, f'<{kind}{root}>{body}</{kind}>')
