"""What others wrote, from packages: PostgreSQL, a Redis cluster of six, a Kafka of one broker or
three, RabbitMQ, HAProxy."""
import os
import secrets
import shutil
import signal
import socket
import subprocess

from local_ports import free_ports
from supervisor import Member

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RUN = os.path.join(ROOT, 'tests', 'lib')
PROXY = os.path.join(ROOT, 'deploy', 'haproxy')


def quietly(*argv):
    """The exit status."""
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode


def local(port):
    return f'127.0.0.1:{port}'


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(('127.0.0.1', port)) == 0


def postgres(cluster, *settings):
    folder = cluster.folder('postgres')
    cluster.ledger = f'postgresql:///postgres?host={folder}&user=postgres'
    return Member('postgres', [os.path.join(RUN, 'run-postgres'), folder, *settings],
                  lambda: quietly('psql', '-X', '-c', 'SELECT 1', '-d', cluster.ledger) == 0,
                  {'url': cluster.ledger}, stop=signal.SIGINT)  # its fast shutdown


def redis(cluster):
    folder, at = cluster.folder('redis'), {}

    def ready():
        """It says where the nodes are when they are one cluster."""
        with open(os.path.join(cluster.logs, 'redis.log'), encoding='utf-8') as file:
            found = [line for line in file if line.startswith('redis+cluster://')]
        if found:
            cluster.odds_store = at['url'] = found[-1].split()[0]
        return bool(found)

    return Member('redis', [os.path.join(RUN, 'run-redis-set'), 'cluster', folder], ready, at)


def kafka(cluster):
    """A member for each broker; they are one Kafka when most of them are there, so all but the
    last are not waited for."""
    run, count = os.path.join(RUN, 'run-kafka'), cluster.brokers
    ports = free_ports(3 * count)
    nodes = ','.join(f'{ports[i]}:{ports[count + i]}:{ports[2 * count + i]}'
                     for i in range(count))
    quietly(run, '--fetch')
    cluster.streams = 'kafka://' + ','.join(local(port) for port in ports[:count])
    for node in range(count):
        yield Member(f'kafka-{node + 1}',
                     [run, os.path.join(cluster.data, f'kafka-{node + 1}'), node + 1, nodes],
                     None if node < count - 1 else
                     lambda: all(answers(port) for port in ports[:count]),
                     {'listen': local(ports[node])})


def rabbitmq(cluster):
    """What a provider's messages come by. It takes a while to begin, and is not waited for: its
    provider is ready behind it."""
    port, *inner = free_ports(3)
    password = secrets.token_hex(16)
    cluster.uof = f'amqp://provider:{password}@{local(port)}/%2F'
    ports = ':'.join(str(one) for one in (port, *inner))
    return Member('rabbitmq', [os.path.join(RUN, 'run-rabbitmq'), cluster.folder('rabbitmq'),
                               ports, 'default_user = provider', f'default_pass = {password}'],
                  at={'listen': local(port)})


def certificate(folder):
    """For localhost, vouched for by nobody: a browser warns of it."""
    pem, key = os.path.join(folder, 'haproxy.pem'), os.path.join(folder, 'haproxy.key')
    quietly('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
            '-nodes', '-days', '30', '-subj', '/CN=localhost', '-addext',
            'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', pem)
    with open(pem, 'ab') as file, open(key, 'rb') as source:
        shutil.copyfileobj(source, file)
    return pem


def haproxy(cluster):
    """Before the fronts of two colours; the green ones are not there yet."""
    folder = cluster.folder('haproxy')
    environment = {f'OVERROUND_{name}': local(port) for name, port in cluster.fronts.items()}
    environment.update(OVERROUND_BIND=local(cluster.port),
                       OVERROUND_BIND_HTTP=local(free_ports(1)[0]),
                       OVERROUND_PEM=certificate(folder),
                       OVERROUND_CONTROL=os.path.join(folder, 'control'))
    return Member('haproxy', ['haproxy', '-db', '-f', os.path.join(PROXY, 'customers.cfg'), '-f',
                              os.path.join(PROXY, 'fronts.cfg')],
                  lambda: answers(cluster.port),
                  {'url': f'https://{local(cluster.port)}/',
                   'control': environment['OVERROUND_CONTROL']}, environment=environment)
