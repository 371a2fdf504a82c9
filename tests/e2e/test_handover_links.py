"""A takeover by a newer process over TLS, and where a standby is attached."""
import ssl
import threading

from lib.http import Http
from lib.pki import Pki
from lib.standby import Pair
from lib.until import until
from test_crashes import Load
from test_handover import Traffic, Upgraded
from test_standby import acknowledged_after, same_log

UPGRADES = 2
FOLLOWERS = 60


def serial(context, address):
    with Http(address, tls=context) as http:
        return http.socket.getpeercert()['serialNumber']


def test_over_tls_nobody_misses_a_version_and_the_newer_process_shows_its_certificate(tmp_path):
    pki = Pki(tmp_path / 'pki').issue('server')
    context = pki.client()
    upgraded = Upgraded(tmp_path / 'data', '--tls-listen', '127.0.0.1:0', *pki.options('server'))
    try:
        traffic = Traffic(upgraded, FOLLOWERS, context)
        address, sid = upgraded.server.tls, traffic.everyone[0].sid
        for _ in range(UPGRADES):
            before = serial(context, address)
            pki.issue('renewed', as_name='server')
            half = threading.Thread(target=shake_half, args=(address,))
            half.start()  # a handshake that never ends is in nobody's way
            traffic.upgrade()
            half.join()
            assert upgraded.server.tls == address
            assert serial(context, address) != before
        traffic.end()
        assert {f.sid for f in traffic.everyone} == {sid}
        assert sum(f.resumed for f in traffic.everyone) >= FOLLOWERS
    finally:
        upgraded.server.kill()


def shake_half(address):
    """Says hello over TLS, and nothing more until it is hung up on."""
    out = ssl.MemoryBIO()
    tls = ssl._create_unverified_context().wrap_bio(ssl.MemoryBIO(), out)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    with Http(address, timeout=60) as http:
        http.send(out.read())
        try:
            while http.socket.recv(65536):
                pass
        except OSError:
            pass


def test_a_standby_follows_from_one_process_to_the_next_and_takes_over_from_the_last(tmp_path):
    pair = Pair(tmp_path, ship='sync')
    try:
        until(pair.caught_up, 60)
        upgraded = Upgraded(pair.server.data, *pair.server.options, server=pair.server)
        market = pair.market()
        load = Load(pair, market)
        for number in range(UPGRADES):
            join = load.start(number)
            acknowledged_after(load, 20)
            newer = upgraded.upgrade()
            pair.use(newer)
            pair.feed.again()
            join()
            for customer in load.customers:
                customer.reconnect()
            load.retry_unanswered()
            until(pair.caught_up, 60)
            assert pair.standby.process.poll() is None, pair.standby.log_text()
        pair.server.kill()
        pair.promote()
        for customer in load.customers:
            customer.reconnect()
        with Http(pair.server.public) as http:
            for customer, key in list(load.acknowledged):
                assert load.one(customer, key, http) == 200, 'an acknowledged bet is unknown'
        load.retry_unanswered()
        load.check()
        pair.server.kill()
        assert same_log(pair.server.data, pair.ended[-1].data) > 40
    finally:
        pair.close()
