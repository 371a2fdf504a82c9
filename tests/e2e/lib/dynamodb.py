"""A server of DynamoDB's API of a test's own (tests/lib/run-dynamodb), and the wire before it,
which answers in its place where a test says so."""
import http.client
import http.server
import json
import os
import shutil
import socketserver
import subprocess
import threading

import pytest

from .server import ROOT
from .until import until

RUN = os.path.join(ROOT, 'tests', 'lib', 'run-dynamodb')
ABSENT = 77
KEYS = {'AWS_ACCESS_KEY_ID': 'AKIDEXAMPLE', 'AWS_SECRET_ACCESS_KEY': 'of-a-test'}
SIGNED = ('AWS4-HMAC-SHA256 Credential=a/20300101/eu-west-1/dynamodb/aws4_request, '
          'SignedHeaders=host, Signature=0')
THROTTLED = (400, {'__type': 'com.amazonaws.dynamodb.v20120810#ThrottlingException',
                   'message': 'Rate exceeded'})


class DynamoDB:
    def __init__(self, folder):
        self.folder, self.process, self.port, self.tables = str(folder), None, None, 0

    def start(self):
        place = os.path.join(self.folder, 'port')
        if os.path.exists(place):
            os.unlink(place)
        argv = [RUN, self.folder] + ([str(self.port)] if self.port else [])
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
        until(lambda: os.path.exists(place) or self.process.poll() is not None, 60)
        if self.process.poll() == ABSENT:
            pytest.skip('no server of DynamoDB\'s API: no npm, or its registry is out of reach')
        assert self.process.poll() is None
        with open(place, encoding='ascii') as file:
            self.port = int(file.read())
        return self

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    def table(self):
        """The name of one that was not there before."""
        self.tables += 1
        return f'ledger-{self.tables}'

    def ask(self, target, **body):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        connection.request('POST', '/', json.dumps(body), {
            'X-Amz-Target': f'DynamoDB_20120810.{target}', 'X-Amz-Date': '20300101T000000Z',
            'Content-Type': 'application/x-amz-json-1.0', 'Authorization': SIGNED})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status == 200, text
        return json.loads(text)

    def every(self, target, **body):
        """The items of all pages."""
        items, start = [], {}
        while True:
            page = self.ask(target, **body, **start)
            items += page['Items']
            if 'LastEvaluatedKey' not in page:
                return items
            start = {'ExclusiveStartKey': page['LastEvaluatedKey']}

    def item(self, table, batch_no, shard='4bc7-0'):
        """A batch as it stands there."""
        key = {'shard': {'S': shard}, 'batch_no': {'N': str(batch_no)}}
        return self.ask('GetItem', TableName=table, Key=key, ConsistentRead=True)['Item']

    def batches(self, table):
        """(batch_no, seq_first, seq_last) of all items, in order."""
        items = self.every('Scan', TableName=table, ConsistentRead=True)
        return sorted(tuple(int(item[name]['N']) for name in ('batch_no', 'seq_first', 'seq_last'))
                      for item in items)

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Pass(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):  # pylint: disable=invalid-name
        wire = self.server
        body = self.rfile.read(int(self.headers['Content-Length']))
        said = wire.said
        if said is not None:
            wire.answered += 1
            status, text = said[0], json.dumps(said[1]).encode()
        else:
            status, text = self.pass_on(body)
        self.send_response(status)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def pass_on(self, body):
        connection = http.client.HTTPConnection('127.0.0.1', self.server.to_port, timeout=60)
        try:
            connection.request('POST', '/', body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class Wire(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Passes on to a port, or answers with `said`, a status and an object, while it is set. `host`
    and `tls`, an SSLContext: where others reach it."""
    daemon_threads = True

    def __init__(self, to_port, host='127.0.0.1', tls=None):
        super().__init__((host, 0), Pass)
        self.tls = tls
        self.to_port, self.said, self.answered = to_port, None, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # either end went: a test's doing

    def finish_request(self, request, client_address):
        if self.tls:  # on the thread of this connection: a handshake may never end
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def url(self, table):
        scheme, host = 'https' if self.tls else 'http', self.server_address[0]
        return (f'dynamodb://{table}?region=eu-west-1&endpoint={scheme}://{host}:'
                f'{self.server_port}/')
