"""A registry of schemas of a test's own (tests/lib/run-schema-registry), and what it is told beside
the program's own questions."""
import http.client
import json
import os
import shutil
import subprocess

import pytest

from .ports import free_ports
from .server import ROOT
from .until import until

RUN = os.path.join(ROOT, 'tests', 'lib', 'run-schema-registry')
ABSENT = 77
API = '/apis/ccompat/v7'
REASON = 'no Java, no Maven, or the registry of schemas is out of reach'


def schema(topic):
    """What docs/events has."""
    with open(os.path.join(ROOT, 'docs', 'events', f'{topic}.json'), encoding='utf-8') as file:
        return json.load(file)


class Registry:
    """Not there until start(); its port is known before."""

    def __init__(self, folder):
        self.folder, self.port, self.process = str(folder), free_ports(1)[0], None
        if subprocess.run([RUN, '--fetch'], check=False).returncode == ABSENT:
            pytest.skip(REASON)

    @property
    def url(self):
        return f'http://127.0.0.1:{self.port}{API}'

    def answers(self):
        assert self.process.poll() is None
        try:
            return self.ask('GET', '/subjects')[0] == 200
        except OSError:
            return False

    def start(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([RUN, self.folder, str(self.port)],
                                        stdin=subprocess.DEVNULL)
        until(self.answers, 120)
        return self

    def ask(self, method, path, body=None):
        """(status, what it answered)"""
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        try:
            connection.request(method, API + path, None if body is None else json.dumps(body),
                               {'Content-Type': 'application/vnd.schemaregistry.v1+json'})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b'null')
        finally:
            connection.close()

    def must(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        assert status in (200, 204), (method, path, status, answer)
        return answer

    def versions(self, subject):
        return self.must('GET', f'/subjects/{subject}/versions')

    def only(self, subject, content, level):
        """The subject has this one schema, and compares with it at the level."""
        self.forget(subject)
        self.must('POST', f'/subjects/{subject}/versions',
                  {'schemaType': 'JSON', 'schema': json.dumps(content)})
        self.must('PUT', f'/config/{subject}', {'compatibility': level})

    def forget(self, subject):
        if subject in self.must('GET', '/subjects'):
            self.must('DELETE', f'/subjects/{subject}')
            self.must('DELETE', f'/subjects/{subject}?permanent=true')

    def close(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)
