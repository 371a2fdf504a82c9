"""What the book is watched by: the rules of deploy/prometheus/book.yml have the specification's
figures, fire in the courses of lib/book_alerts.yml, and ask for what our processes really show."""
import pytest
from conftest import make
from lib.consumer import Consumer
from lib.ports import free_port
from lib.prometheus import Rules, asked
from lib.redis import Redis
from lib.server import Server
from lib.shards import copy_keys, users_of

RULES = Rules('book')


def names(text):
    return {line.split('{')[0].split(' ')[0] for line in text.splitlines() if line[:1] != '#'}


@pytest.fixture(scope='module')
def shown(postgres, tmp_path_factory):
    """The names of all metrics of a book with all engines, of a shard that follows a desk, and of a
    member that tells notices. No broker is there: what is shown says so."""
    folder, redis = tmp_path_factory.mktemp('watched'), Redis().start()
    streams = f'kafka://127.0.0.1:{free_port()}'
    book = make(folder / 'book', ['--ledger', postgres.url, '--projection', postgres.url,
                                  '--odds-store', redis.url, '--streams', streams,
                                  '--shard', '0', '--shards', '2'])
    token = folder / 'token'
    token.write_text(book.server.token('shard-1', 'shard') + '\n', encoding='ascii')
    copy_keys(folder / 'book', folder / 'shard')
    shard = Server(folder / 'shard', '--shard', '1', '--shards', '2', '--desk',
                   '%s:%d' % book.server.admin, '--desk-token', str(token))
    member = Consumer(folder / 'member', 'notification-service', streams, 'watch',
                      '--notify-webhook', 'http://127.0.0.1:1/')
    try:
        customer = book.bettor(name=next(users_of(0, 2)))
        assert customer.bet(book.market(), 11, '1').status == 201
        found = {name.split('{')[0] for one in (book.server, shard.start())
                 for name in one.metrics()}
        return found | names(member.start().get('/metrics').body.decode())
    finally:
        member.kill()
        shard.kill()
        book.close()
        redis.close()


def test_the_rules_are_rules():
    assert RULES.are_rules()


def test_every_alert_fires_in_its_course_and_in_no_quiet_one(tmp_path):
    RULES.run(tmp_path, RULES.courses)
    assert RULES.told(True) == RULES.told(False) == set(RULES.alerts)


def test_a_wrong_course_is_noticed(tmp_path):
    """So the test above can fail."""
    done = RULES.run(tmp_path, RULES.courses.replace("'0.4x4 5+5x20'", "'0.4x24'"), check=False)
    assert done.returncode != 0 and 'BookFeedSilent' in done.stdout


@pytest.mark.parametrize('alert, figure, lasting', [
    ('BookFeedSilent', '> 5', None), ('BookPricesLate', '> 0.5', '1m'),
    ('BookPricesLateInRedis', '> 0.5', '1m'), ('BookBetsSlow', '> 0.3', '1m'),
    ('BookConsumerLag', '> 10000', '1m'), ('BookStoreMisses', '< 0.99', '5m'),
    ('BookOddsChanged', '> 0.05', '5m'), ('BookLedgerSlow', '> 0.1', '5m'),
    ('BookSettlementSlow', '> 0', '5m')])
def test_the_figures_are_those_of_the_specification(alert, figure, lasting):
    rule = RULES.alerts[alert]
    assert rule['expr'].strip().endswith(figure)
    assert rule.get('for') == lasting


def test_what_rules_ask_for_is_shown(shown):
    wanted = asked(rule['expr'] for rule in RULES.rules)
    assert len(wanted) > 20 and wanted <= shown, wanted - shown
