"""Our own processes: the desk, which makes the prices and has no customers, and bet-services with
the shards, two for each, of which one waits; two each of back-offices, fronts, projectors and
consumers of streams; and simulated bettors, as somebody has to play."""
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
SHARDS = 2
SECRETS = ('jwt-hs256.key', 'personal-master.key', 'ledger-ed25519.pem')  # that all books share


def says_ready(port):
    """GET /readyz, of either listener."""
    try:
        with urllib.request.urlopen(f'http://{local(port)}/readyz', timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def on_engines(cluster, admin):
    """What a process with a log is told: a lease in the ledger's database says who has it."""
    return ['--shards', SHARDS, '--lease', 'on', '--ledger', cluster.ledger, '--odds-store',
            cluster.odds_store, '--streams', cluster.streams, '--admin', local(admin)]


def provider(cluster):
    """Of matches that come through the broker; and where recoveries of them are asked for."""
    port = free_ports(1)[0]
    cluster.recoveries = f'1=http://{local(port)}/v1/liveodds/'
    return Member('provider', [sys.executable, os.path.join(HERE, 'provider.py'), port,
                               int(time.time()), cluster.folder('provider')],
                  lambda: answers(port), {'listen': local(port)},
                  environment={'OVERROUND_UOF': cluster.uof})


def waits(member, which):
    """Of two with one lease, `which` 1 takes it; 2 waits for it, and has no listener until then."""
    if which == 2:
        member.ready = None
    member.again = 6  # longer than a lease, so that the one who waits has it by then
    return member


def desk(cluster, which):
    """With simulated matches, and those of the provider."""
    public, admin = free_ports(2)
    name = f'desk-{which}'
    folder = cluster.folder(name)
    cluster.desks.append(local(admin))
    if which == 1:
        cluster.book_data = folder  # where the keys are made
    else:
        copy_secrets(cluster, folder, SECRETS)
    made = Member(name,
                  [PROGRAM, 'serve', '--roles', 'odds-worker,back-office', '--data', folder,
                   '--listen', local(public), '--simulator', 'on', '--streams-create',
                   cluster.brokers, '--uof-recovery', cluster.recoveries,
                   *on_engines(cluster, admin)],
                  lambda: says_ready(admin), {'listen': local(public), 'admin': local(admin)},
                  environment={'OVERROUND_UOF': cluster.uof})
    return waits(made, which)


def copy_secrets(cluster, folder, names):
    keys = os.path.join(folder, 'keys')
    os.makedirs(keys, mode=0o700, exist_ok=True)
    for name in names:
        of_book = os.path.join(cluster.book_data, 'keys', name)
        if os.path.exists(of_book):
            shutil.copy(of_book, keys)


def bet_service(cluster, shard, which):
    public, admin = free_ports(2)
    name = f'bets-{shard}-{which}'
    folder = cluster.folder(name)
    copy_secrets(cluster, folder, SECRETS)
    cluster.books.setdefault(shard, []).append(local(admin))
    made = Member(name,
                  [PROGRAM, 'serve', '--roles', 'bet-service', '--data', folder,
                   '--listen', local(public), '--price-lag-ms', 1000, '--desk',
                   ','.join(cluster.desks), '--desk-apart', 'on', '--desk-token',
                   token(cluster, name, 'shard'), '--shard', shard, *on_engines(cluster, admin)],
                  lambda: says_ready(public),
                  {'listen': local(public), 'admin': local(admin), 'shard': shard})
    return waits(made, which)


def token(cluster, user, role):
    path = os.path.join(cluster.data, f'{user}.token')
    with open(path, 'wb') as file:
        os.fchmod(file.fileno(), 0o600)
        subprocess.run([PROGRAM, 'token', '--user', user, '--role', role, '--ttl', '31536000',
                        '--data', cluster.book_data], stdin=subprocess.DEVNULL, stdout=file,
                       check=True)
    return path


def office(cluster, name):
    """Where people work: it asks whichever desk has the lease."""
    folder, admin = cluster.folder(name), free_ports(1)[0]
    copy_secrets(cluster, folder, SECRETS[:1])
    return Member(name,
                  [PROGRAM, 'serve', '--roles', 'back-office', '--data', folder, '--admin',
                   local(admin), '--book', ','.join(cluster.desks), '--token',
                   token(cluster, name, 'back-office')],
                  lambda: says_ready(admin), {'admin': local(admin)})


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


def bettors(cluster, port):
    return Member('bettors', [PROGRAM, 'bettors', '--url', f'http://{local(port)}'])


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
    """A desk first: it makes the keys that fronts read tokens with, the topics, the tables."""
    yield provider(cluster)
    for which in (1, 2):
        yield desk(cluster, which)
    for n in (1, 2):
        yield office(cluster, f'office-{n}')
    for shard in range(SHARDS):
        for which in (1, 2):
            yield bet_service(cluster, shard, which)
    colours = ('BLUE_1', 'BLUE_2', 'GREEN_1', 'GREEN_2')
    house, *of_colours = free_ports(1 + len(colours))
    cluster.fronts = dict(zip(colours, of_colours))
    for n in (1, 2):
        yield front(cluster, f'front-blue-{n}', cluster.fronts[f'BLUE_{n}'],
                    '--listen-proxies', '127.0.0.1')  # customers come by HAProxy only
    yield front(cluster, 'front-house', house)
    yield bettors(cluster, house)
    yield receiver(cluster)
    for make, name in ((projector, 'projector'), (notification, 'notification'),
                       (analytics, 'analytics')):
        for n in (1, 2):
            yield make(cluster, f'{name}-{n}')
