"""A primary with its standby, and a link between them that can be cut."""
import os
import re
import shutil
import socket
import subprocess
import threading
import time

from .feed import Feed
from .bettor import Bettor
from .server import BINARY, ENVIRONMENT, Server, run
from .http import Http

SECRETS = ('jwt-hs256.key', 'personal-master.key', 'ledger-ed25519.pem')


class Proxy:
    """Passes TCP on to an address, until it is cut; then it refuses, or (silent) swallows."""

    def __init__(self, target):
        self.target, self.cut, self.pairs = target, False, []
        self.lock = threading.Lock()  # a pair is made before a cut, which ends it, or behind it
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.address = self.socket.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            far = self.connect()
            with self.lock:
                if far is None or self.cut:
                    for end in filter(None, (near, far)):
                        end.close()
                    continue
                self.pairs.append((near, far))
            for here, there in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(here, there), daemon=True).start()

    def connect(self):
        """To the target; None: nobody may, or nobody is there."""
        if self.cut:
            return None
        try:
            far = socket.create_connection(self.target, timeout=30)
        except OSError:
            return None
        far.settimeout(None)
        return far

    def pump(self, here, there):
        try:
            while data := here.recv(65536):
                if not self.cut:
                    there.sendall(data)
        except OSError:
            pass
        for end in (here, there):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self, silent=False):
        """The link is gone; silent: nobody is told, bytes vanish."""
        with self.lock:
            self.cut, pairs = True, list(self.pairs)
        if silent:
            return
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def go(self):
        self.cut = False

    def close(self):
        self.stop()
        self.socket.close()


class Standby(Server):
    """`overround standby`; it becomes a server when it is promoted."""

    def __init__(self, data, primary_admin, token, *options, **named):
        address = f'{primary_admin[0]}:{primary_admin[1]}'
        super().__init__(data, '--primary', address, '--token', token, *options,
                         command='standby', **named)

    def start(self):
        self.spawn()
        self.public = self.wait_address('standby ')
        self.admin = self.wait_address('admin ')
        return self

    def promote(self):
        """Until it takes bets; what the command printed."""
        token = os.path.join(self.data, '..', 'admin.token')
        with open(token, 'w', encoding='ascii') as file:
            file.write(self.token('admin-1', 'admin'))
        done = run('promote', '--admin', f'{self.admin[0]}:{self.admin[1]}', '--token', token)
        self.public = self.wait_address('ready ')
        self.admin = self.wait_address('admin ')
        return done.stdout


class Pair:
    """What tests call a book: `server` is the primary of the moment."""

    def __init__(self, folder, options=(), ship='sync', after='off', proxy=False):
        self.folder, self.options, self.ship = str(folder), list(options), ship
        self.after = after  # --ship of a standby that was promoted
        self.server = self.primary('a').start()
        self.token_file = os.path.join(self.folder, 'standby.token')
        with open(self.token_file, 'w', encoding='ascii') as file:
            file.write(self.server.token('standby-1', 'standby') + '\n')
        self.proxy = Proxy(self.server.admin) if proxy else None
        self.standby = self.make_standby('b').start()
        self.feed = Feed(self.server)
        self.customers, self.ended = [], []

    def path(self, name):
        return os.path.join(self.folder, name)

    def primary(self, name):
        return Server(self.path(name), '--ship', self.ship, *self.options)

    def make_standby(self, name, keys_of=None, options=None):
        data = self.path(name)
        os.makedirs(os.path.join(data, 'keys'), mode=0o700, exist_ok=True)
        for secret in SECRETS:
            target = os.path.join(data, 'keys', secret)
            if not os.path.exists(target):
                shutil.copy(os.path.join(keys_of or self.server.data, 'keys', secret), target)
        admin = self.proxy.address if self.proxy else self.server.admin
        more = self.options if options is None else options
        return Standby(data, admin, self.token_file, '--ship', self.after, *more)

    def bettor(self, **named):
        made = Bettor(self.server, **named)
        self.customers.append(made)
        return made

    def market(self, ident='1.700001', prices=None):
        self.feed.market(ident, prices or {11: 2.0, 12: 3.5, 13: 4.2})
        return ident

    def use(self, server):
        """Everybody talks to this one from now on."""
        self.server = self.feed.server = server
        for customer in self.customers:
            customer.server = server

    def promote(self):
        """The standby takes over; what was the primary is kept in `ended`."""
        said = self.standby.promote()
        self.ended.append(self.server)
        self.use(self.standby)
        self.standby = None
        self.feed.again()
        return said

    def rejoin(self, name, options=()):
        """The folder of one that was the primary follows the new one. What it has alone is set
        aside by the command that is there for it; how many records that were."""
        aside = 0
        self.standby = self.make_standby(name)
        self.standby.options += options
        self.standby.start()
        while not self.caught_up():
            status = self.standby.process.poll()
            if status is None:
                time.sleep(0.05)
                continue
            said = self.standby.log_text()
            assert status == 3 and aside == 0, (status, said)
            first, last = re.findall(r'records (\d+) to (\d+) of this log', said)[-1]
            run('rejoin', '--data', self.standby.data, '--from', first)
            aside = int(last) - int(first) + 1
            self.standby.start()
        return aside

    def caught_up(self):
        stats = self.server.metrics()
        return stats['overround_ship_caught_up'] == 1 and stats['overround_ship_lag_records'] == 0

    def close(self):
        self.feed.close()
        for server in (self.server, self.standby, *self.ended):
            if server:
                server.kill()
        if self.proxy:
            self.proxy.close()


def ends(server, seconds=60):
    """Starts it and waits for its end: (exit status, what it said)."""
    server.spawn()
    status = server.process.wait(seconds)
    return status, server.log_text()


def probe(address, raw, token=None, headers=()):
    """One raw request to an admin listener; the status."""
    with Http(address) as http:
        return http.request('GET', raw, token=token, headers=dict(headers)).status


def dump(data, *options):
    return subprocess.run([BINARY, 'ledger', 'dump', '--data', data, *options], check=True,
                          stdout=subprocess.PIPE, text=True, env=ENVIRONMENT).stdout.splitlines()
