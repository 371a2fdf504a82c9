"""Our own processes: the book, and two each of fronts, projectors and consumers of streams."""
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

from engines import HERE, ROOT, answers, free_ports, local
from supervisor import Member

# Another one is what `overround compare` is.
PROGRAM = os.environ.get('COMPARE_PROGRAM') or os.path.join(ROOT, 'build', 'overround')


def says_ready(port):
    """GET /readyz, of either listener."""
    try:
        with urllib.request.urlopen(f'http://{local(port)}/readyz', timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def book(cluster):
    """With simulated matches and bettors: somebody has to play."""
    public, cluster.admin = free_ports(2)
    cluster.book_data = cluster.folder('book')
    return Member('book',
                  [PROGRAM, 'demo', '--data', cluster.book_data, '--listen', local(public),
                   '--admin', local(cluster.admin), '--ledger', cluster.ledger, '--odds-store',
                   cluster.odds_store, '--streams', cluster.streams, '--streams-create',
                   cluster.brokers],
                  lambda: says_ready(public),
                  {'listen': local(public), 'admin': local(cluster.admin)})


def token(cluster, user, role):
    path = os.path.join(cluster.data, f'{user}.token')
    with open(path, 'wb') as file:
        os.fchmod(file.fileno(), 0o600)
        subprocess.run([PROGRAM, 'token', '--user', user, '--role', role, '--ttl', '31536000',
                        '--data', cluster.book_data], stdin=subprocess.DEVNULL, stdout=file,
                       check=True)
    return path


def front(cluster, name, port):
    """Gateway and odds service: what customers reach, by HAProxy only."""
    folder, admin = cluster.folder(name), free_ports(1)[0]
    keys = os.path.join(folder, 'keys')
    os.makedirs(keys, mode=0o700, exist_ok=True)
    shutil.copy(os.path.join(cluster.book_data, 'keys', 'jwt-hs256.key'), keys)
    return Member(name,
                  [PROGRAM, 'serve', '--roles', 'gateway,odds-service', '--data', folder,
                   '--listen', local(port), '--listen-proxies', '127.0.0.1', '--admin',
                   local(admin), '--book', local(cluster.admin), '--token',
                   token(cluster, name, 'gateway'), '--odds-store', cluster.odds_store],
                  lambda: says_ready(admin), {'listen': local(port), 'admin': local(admin)})


def projector(cluster, name):
    admin = free_ports(1)[0]
    return Member(name, [PROGRAM, 'serve', '--roles', 'projector', '--data', cluster.folder(name),
                         '--ledger', cluster.ledger, '--admin', local(admin)],
                  lambda: says_ready(admin), {'admin': local(admin)})


def receiver(cluster):
    """Who is told what bets came to."""
    port, path = free_ports(1)[0], os.path.join(cluster.data, 'notices.jsonl')
    cluster.webhook = f'http://{local(port)}/notices'
    return Member('receiver', [sys.executable, os.path.join(HERE, 'receiver.py'), port, path],
                  lambda: answers(port), {'listen': local(port), 'file': path})


def consumer(cluster, name, role, *options):
    admin = free_ports(1)[0]
    return Member(name, [PROGRAM, 'serve', '--roles', role, '--data', cluster.folder(name),
                         '--streams', cluster.streams, '--admin', local(admin), *options],
                  lambda: says_ready(admin), {'admin': local(admin)})


def notification(cluster, name):
    return consumer(cluster, name, 'notification-service', '--notify-webhook', cluster.webhook)


def analytics(cluster, name):
    return consumer(cluster, name, 'analytics-service', '--totals', cluster.folder('totals'))


def members(cluster):
    """The book first: it makes the keys that fronts read tokens with, the topics, the tables."""
    yield book(cluster)
    colours = ('BLUE_1', 'BLUE_2', 'GREEN_1', 'GREEN_2')
    cluster.fronts = dict(zip(colours, free_ports(len(colours))))
    for n in (1, 2):
        yield front(cluster, f'front-blue-{n}', cluster.fronts[f'BLUE_{n}'])
    yield receiver(cluster)
    for make, name in ((projector, 'projector'), (notification, 'notification'),
                       (analytics, 'analytics')):
        for n in (1, 2):
            yield make(cluster, f'{name}-{n}')
