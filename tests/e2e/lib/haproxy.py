"""HAProxy in the foreground, with files of deploy/haproxy as they are."""
import csv
import io
import os
import socket
import subprocess

from .ports import free_port
from .server import ROOT
from .until import until

FOLDER = os.path.join(ROOT, 'deploy', 'haproxy')


def show_stat(control, backend):
    """{server: its row}; none while nobody listens."""
    with socket.socket(socket.AF_UNIX) as asked:
        try:
            asked.connect(control)
        except OSError:
            return {}
        asked.sendall(b'show stat\n')
        text = b''
        while part := asked.recv(65536):
            text += part
    rows = csv.DictReader(io.StringIO(text.decode().lstrip('# ')))
    return {row['svname']: row for row in rows
            if row['pxname'] == backend and row['svname'] != 'BACKEND'}


class HAProxy:
    """customers.cfg with `backend`; `variables` are those that the backend's file names."""

    def __init__(self, folder, pki, backend, variables):
        self.address = '127.0.0.1', free_port()
        self.strays = '127.0.0.1', free_port()
        self.control = os.path.join(str(folder), 'haproxy.sock')
        pem = os.path.join(str(folder), 'haproxy.pem')
        with open(pem, 'wb') as file:
            for part in (pki.cert('server'), pki.key('server')):
                with open(part, 'rb') as source:
                    file.write(source.read())
        self.environment = {**os.environ, 'OVERROUND_BIND': '{}:{}'.format(*self.address),
                            'OVERROUND_BIND_HTTP': '{}:{}'.format(*self.strays),
                            'OVERROUND_PEM': pem, 'OVERROUND_CONTROL': self.control,
                            **{name: '{}:{}'.format(*at) for name, at in variables.items()}}
        # pylint: disable=consider-using-with
        self.log = open(os.path.join(str(folder), 'haproxy.log'), 'wb')
        self.process = subprocess.Popen(
            ['haproxy', '-db', '-f', os.path.join(FOLDER, 'customers.cfg'), '-f',
             os.path.join(FOLDER, backend)],
            env=self.environment, stdout=self.log, stderr=self.log)
        until(self.is_up)

    def is_up(self):
        """Some server is."""
        assert self.process.poll() is None, 'haproxy has ended'
        return any(state.startswith('UP') for state in self.states().values())

    def states(self):
        """{server: what the health checks say of it}"""
        return {name: row['status'] for name, row in self.servers().items()}

    def weight(self, server):
        return int(self.servers()[server]['weight'])

    def servers(self):
        return show_stat(self.control, 'book')

    def switch(self, colour, *options):
        """deploy/haproxy/switch, begun."""
        return subprocess.Popen([os.path.join(FOLDER, 'switch'), colour, '--control', self.control,
                                 *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)

    def close(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()
