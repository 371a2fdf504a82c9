"""Our own processes: the book, which makes the prices, has shard 0 and is the desk of all;
bet-services with the other shards, two for each, of which one waits; two each of fronts, projectors
and consumers of streams."""
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

from engines import HERE, ROOT, answers, free_ports, local
from supervisor import Member

# Another one is what `overround compare` is.
PROGRAM = os.environ.get('COMPARE_PROGRAM') or os.path.join(ROOT, 'build', 'overround')
SHARDS = 3
SECRETS = ('jwt-hs256.key', 'personal-master.key', 'ledger-ed25519.pem')  # that all books share


def says_ready(port):
    """GET /readyz, of either listener."""
    try:
        with urllib.request.urlopen(f'http://{local(port)}/readyz', timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def of_a_shard(cluster, shard, admin):
    """What a process of a shard is told: a lease in the ledger's database says who has it."""
    cluster.books.setdefault(shard, []).append(local(admin))
    return ['--shard', shard, '--shards', SHARDS, '--lease', 'on', '--ledger', cluster.ledger,
            '--odds-store', cluster.odds_store, '--streams', cluster.streams, '--admin',
            local(admin)]


def provider(cluster):
    """Of matches that come through the broker; and where recoveries of them are asked for."""
    port = free_ports(1)[0]
    cluster.recoveries = f'1=http://{local(port)}/v1/liveodds/'
    return Member('provider', [sys.executable, os.path.join(HERE, 'provider.py'), port,
                               int(time.time()), cluster.folder('provider')],
                  lambda: answers(port), {'listen': local(port)},
                  environment={'OVERROUND_UOF': cluster.uof})


def book(cluster):
    """With simulated matches, and bettors at a front of their own: somebody has to play; and with
    those of the provider."""
    public, admin, cluster.house = free_ports(3)
    cluster.book_data = cluster.folder('book')
    return Member('book',
                  [PROGRAM, 'demo', '--data', cluster.book_data, '--listen', local(public),
                   '--bettors-at', local(cluster.house), '--streams-create', cluster.brokers,
                   '--uof-recovery', cluster.recoveries, *of_a_shard(cluster, 0, admin)],
                  lambda: says_ready(public), {'listen': local(public), 'admin': local(admin)},
                  environment={'OVERROUND_UOF': cluster.uof})


def copy_secrets(cluster, folder, names):
    keys = os.path.join(folder, 'keys')
    os.makedirs(keys, mode=0o700, exist_ok=True)
    for name in names:
        of_book = os.path.join(cluster.book_data, 'keys', name)
        if os.path.exists(of_book):
            shutil.copy(of_book, keys)


def bet_service(cluster, shard, which):
    """`which` 1 takes the shard; 2 waits for it, and has no listener until then."""
    public, admin = free_ports(2)
    name = f'bets-{shard}-{which}'
    folder = cluster.folder(name)
    copy_secrets(cluster, folder, SECRETS)
    made = Member(name,
                  [PROGRAM, 'serve', '--roles', 'bet-service', '--data', folder,
                   '--listen', local(public), '--price-lag-ms', 1000, '--desk',
                   cluster.books[0][0], '--desk-token', token(cluster, name, 'shard'),
                   *of_a_shard(cluster, shard, admin)],
                  (lambda: says_ready(public)) if which == 1 else None,
                  {'listen': local(public), 'admin': local(admin), 'shard': shard})
    made.again = 6  # longer than a lease, so that the one who waits has the shard by then
    return made


def token(cluster, user, role):
    path = os.path.join(cluster.data, f'{user}.token')
    with open(path, 'wb') as file:
        os.fchmod(file.fileno(), 0o600)
        subprocess.run([PROGRAM, 'token', '--user', user, '--role', role, '--ttl', '31536000',
                        '--data', cluster.book_data], stdin=subprocess.DEVNULL, stdout=file,
                       check=True)
    return path


def front(cluster, name, port, *options):
    """Gateway and odds service, which asks the book of each customer's shard, wherever it is."""
    folder, admin = cluster.folder(name), free_ports(1)[0]
    copy_secrets(cluster, folder, SECRETS[:1])
    books = [f'--book={shard}={",".join(places)}' for shard, places in cluster.books.items()]
    return Member(name,
                  [PROGRAM, 'serve', '--roles', 'gateway,odds-service', '--data', folder,
                   '--listen', local(port), '--admin', local(admin), '--shards', SHARDS, *books,
                   '--token', token(cluster, name, 'gateway'), '--odds-store',
                   cluster.odds_store, *options],
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
    yield provider(cluster)
    yield book(cluster)
    for shard in range(1, SHARDS):
        for which in (1, 2):
            yield bet_service(cluster, shard, which)
    colours = ('BLUE_1', 'BLUE_2', 'GREEN_1', 'GREEN_2')
    cluster.fronts = dict(zip(colours, free_ports(len(colours))))
    for n in (1, 2):
        yield front(cluster, f'front-blue-{n}', cluster.fronts[f'BLUE_{n}'],
                    '--listen-proxies', '127.0.0.1')  # customers come by HAProxy only
    yield front(cluster, 'front-house', cluster.house)
    yield receiver(cluster)
    for make, name in ((projector, 'projector'), (notification, 'notification'),
                       (analytics, 'analytics')):
        for n in (1, 2):
            yield make(cluster, f'{name}-{n}')
