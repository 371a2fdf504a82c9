"""Processes of the roles that follow a stream, and a server that takes notices, or does not."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import signal
import subprocess
import threading
import time
from urllib.parse import urlsplit

from .http import Http
from .server import BINARY, ENVIRONMENT

SECRET = base64.b64encode(b'a secret of a test, 32 bytes long').decode()


class Consumer:
    """One member of a group; it may be killed, ended and started again. `source`: a Kafka's URL, or
    options that say whose log it reads. `folder` is the member's, but for `--data` of its own."""

    def __init__(self, folder, role, source, group, *options):
        os.makedirs(folder, exist_ok=True)
        self.folder = str(folder)
        source = ['--streams', source] if isinstance(source, str) else list(source)
        if '--data' not in options:
            options = ('--data', self.folder, *options)
        if '--stream-session-ms' not in options:  # one that is killed is to be missed soon
            options = ('--stream-session-ms', '1500', *options)
        self.argv = [BINARY, 'serve', '--roles', role, *source, '--stream-group', group,
                     '--admin', '127.0.0.1:0', *map(str, options)]
        self.log = os.path.join(self.folder, 'log')
        self.process, self.admin = None, None

    def start(self):
        with open(self.log, 'ab') as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, text=True,
                                            stdout=subprocess.PIPE, stderr=log, env=ENVIRONMENT)
        line = self.process.stdout.readline()
        assert line.startswith('consumer '), self.log_text()
        url = urlsplit(line.split()[1])
        self.admin = url.hostname, url.port
        return self

    def log_text(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()[-8000:]

    def get(self, path):
        with Http(self.admin) as asking:
            return asking.request('GET', path)

    def is_ready(self):
        return self.get('/readyz').status == 200

    def metric(self, name, label=''):
        lines = self.get('/metrics').body.decode().splitlines()
        found = [float(line.rsplit(' ', 1)[1]) for line in lines
                 if line.split('{')[0].split(' ')[0] == name and label in line]
        assert found, name
        return sum(found)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self.process:
            self.process.stdout.close()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.process.stdout.close()
        return status


class Receiver:
    """Takes POSTs of notices. `answers`: what the next ones are answered with, a status, or None
    for a connection that ends; then 204. Each that was taken is in `taken`, as it came."""

    def __init__(self):
        self.taken, self.refused, self.wrong, self.answers = [], [], [], []
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers['Content-Length']))
                status = receiver.take(self.headers, body)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self.server = Server(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server.server_address[1]}/bets?of=test'

    def check(self, headers, body):
        """As the Standard Webhooks specification says, by Python's hmac."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        wanted = base64.b64encode(hmac.new(base64.b64decode(SECRET), signed,
                                           hashlib.sha256).digest()).decode()
        if headers['webhook-signature'] != f'v1,{wanted}':
            return 'signature'
        if abs(int(headers['webhook-timestamp']) - time.time()) > 300:
            return 'timestamp'
        return headers['webhook-id'] != json.loads(body)['seq'] and 'id'

    def take(self, headers, body):
        with self.lock:
            wrong = self.check(headers, body)
            if wrong:
                self.wrong.append((wrong, dict(headers), body))
            status = self.answers.pop(0) if self.answers else 204
            into = self.taken if status in (200, 204) else self.refused
            into.append(json.loads(body))
            return status

    def seqs(self):
        with self.lock:
            return [notice['seq'] for notice in self.taken]

    def distinct(self):
        """As who passes over an id that has come: {id: notice}."""
        found = {}
        with self.lock:
            for notice in self.taken:
                assert found.setdefault(notice['seq'], notice) == notice, 'an id, two notices'
        return found

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        assert not self.wrong, self.wrong[:3]
