"""GET /v1/bets/{id}/proof of any of ten million bets; open loop, from a thread of its own."""
import http.client
import json
import os
import random
import select
import socket
import time

from harness import Server

BETS = 10_000_000
REQUESTS, RATE, CONNECTIONS = 600, 25, 4
USERS = 100_000  # as many as bench-engine has
# What one proof reads: a group of records, and a page of two levels of the tree.
READS = (('ledger', '.seg', 64 * 1024), ('tree', '', 8192), ('tree', '', 8192))


def fill_ledger(bench, server, bets):
    """The ledger, tree and key of a server's folder, written by the engine itself."""
    folder = os.path.join(server.data, 'ledger')
    os.makedirs(folder)
    bench.run([bench.program('bench-engine'), folder, str(bets), '256', '1', '0', '1'],
              seconds=3600)
    for name in ('tree', 'keys'):
        os.rename(os.path.join(folder, name), os.path.join(server.data, name))


def files_of(folder):
    return [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names]


def forget_files(*folders):
    """The kernel's pages of what is there; what is not yet written is first."""
    for path in [path for folder in folders for path in files_of(folder)]:
        file = os.open(path, os.O_RDONLY)
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def bets_of_users(server, count):
    """Bets of users drawn by chance, from anywhere in the log."""
    chance, found = random.Random(7), []
    asker = http.client.HTTPConnection(server.url.split('//')[1], timeout=120)
    headers = {'Authorization': 'Bearer ' + server.token('auditor')}
    while len(found) < count:
        user = f'00000000-0000-4000-8000-{chance.randrange(USERS):012}'
        asker.request('GET', f'/v1/bets?user_id={user}&limit=100', headers=headers)
        answer = asker.getresponse()
        body = answer.read()
        bets = json.loads(body)['bets'] if answer.status == 200 else []
        if bets:
            found.append(chance.choice(bets)['bet_id'])
    asker.close()
    return found


class Asker:
    """Sends each path at its time over the next free connection, and takes the answers."""

    def __init__(self, server):
        host, port = server.url.split('//')[1].split(':')
        self.end = f'HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token("auditor")}\r\n\r\n'
        self.free = [socket.create_connection((host, int(port))) for _ in range(CONNECTIONS)]
        self.busy, self.times, self.refused = {}, [], 0

    def send(self, path, due):
        connection = self.free.pop()
        connection.sendall(f'GET {path} {self.end}'.encode())
        self.busy[connection] = due

    def take(self, wait_s):
        for connection in select.select(list(self.busy), (), (), max(0, wait_s))[0]:
            answer = read_answer(connection)
            self.times.append(1000 * (time.monotonic() - self.busy.pop(connection)))
            self.refused += not answer.startswith(b'HTTP/1.1 200 ')
            self.free.append(connection)

    def ask(self, paths):
        """Milliseconds from the moment at which each was due, sorted; refusals."""
        begin, self.times, self.refused = time.monotonic() + 0.1, [], 0
        for n, path in enumerate(paths):
            due = begin + n / RATE
            while time.monotonic() < due or not self.free:
                self.take(min(0.1, due - time.monotonic()) if self.free else 0.1)
            self.send(path, due)
        while self.busy:
            self.take(0.1)
        return sorted(self.times), self.refused


def read_answer(connection):
    answer = connection.recv(65536)
    head, _, body = answer.partition(b'\r\n\r\n')
    left = int(head.lower().split(b'content-length:')[1].split(b'\r\n')[0]) - len(body)
    while left > 0:
        more = connection.recv(left)
        if not more:
            raise OSError('an answer was cut')
        left -= len(more)
    return answer


def disk_alone(data):
    """Milliseconds that the reads of one proof take by themselves, of REQUESTS of them, sorted."""
    chance, times = random.Random(8), []
    files = {(folder, suffix): [path for path in files_of(os.path.join(data, folder))
                                if path.endswith(suffix) and os.path.getsize(path) > 65536]
             for folder, suffix, _ in READS}
    for _ in range(REQUESTS):
        spent = 0
        for folder, suffix, size in READS:
            path = chance.choice(files[(folder, suffix)])
            file = os.open(path, os.O_RDONLY)
            at = chance.randrange((os.path.getsize(path) - size) // 4096 + 1) * 4096
            begin = time.monotonic()
            os.pread(file, size, at)
            spent += time.monotonic() - begin
            os.close(file)
        times.append(1000 * spent)
    return sorted(times)


def quantiles(prefix, times):
    return {f'{prefix}_p50_ms': round(times[len(times) // 2], 2),
            f'{prefix}_p99_ms': round(times[len(times) * 99 // 100], 2),
            f'{prefix}_max_ms': round(times[-1], 2)}


def measure(bench, server, form):
    folders = [os.path.join(server.data, name) for name in ('ledger', 'tree')]
    paths = [f'/v1/bets/{bet}/proof' for bet in bets_of_users(server, REQUESTS)]
    asker, values, refused = Asker(server), {}, 0
    for prefix, cold, asked in (('cold', True, paths), ('warm', False, paths),
                                ('health', False, ['/healthz'] * REQUESTS)):
        if cold:
            forget_files(*folders)
        times, refusals = asker.ask(asked)
        values.update(quantiles(prefix, times))
        refused += refusals
    forget_files(*folders)
    reference = quantiles('cold_reads', disk_alone(server.data)) if form == 'plain' else None
    bench.emit('proof_latency', segments=form, bets=BETS, requests=len(paths), rate=RATE,
               refused=refused, **values, reference=reference)


def bench_proof_latency(bench):
    """From segments as they are written and from compressed ones. `health` is the cheapest answer
    there is, asked alike; the reference is what the disk alone takes for the reads of a proof."""
    if bench.program('bench-engine') is None:
        bench.note('proof_latency', 'bench/bench-engine is not built')
        return
    server = Server(bench, '--compress-segments', 'off', '--snapshots', 'off')
    fill_ledger(bench, server, BETS)
    with server:
        measure(bench, server, 'plain')
    server.options = ('--compress-segments', 'on', '--compress-keep', '0', '--snapshots', 'off')
    with server:
        folder = os.path.join(server.data, 'ledger')
        # One is being written, and the next may be prepared.
        while sum(name.endswith('.seg') for name in os.listdir(folder)) > 2:
            time.sleep(1)
        measure(bench, server, 'packed')
