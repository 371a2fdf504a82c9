"""Two colours of fronts behind HAProxy, with fronts.cfg and `switch` of deploy/haproxy as they are:
customers change over and back without an answer lost, and a bad version is left by itself."""
import os
import subprocess

import pytest
from lib.drills import Clock, say
from lib.fronts import Front, Fronts
from lib.haproxy import FOLDER, HAProxy
from lib.http import Http
from lib.load import Load
from lib.pki import Pki
from lib.ports import free_port
from lib.standby import Proxy
from lib.until import until
from lib.ws import WebSocket

COLOURS = 'blue', 'green'
ROLLBACK_SECONDS_MAX = 30


class Secure(Load):
    """At the proxy, which speaks TLS, and has errors of its own."""

    def connect(self):
        return Http(self.book.proxy.address, tls=self.book.pki.client(), foreign=True)


class Colours(Fronts):
    """Two fronts of each colour, which has a way to the book of its own; `server` is one that tests
    may ask past the proxy."""

    def __init__(self, book, folder, pki):
        super().__init__(book, folder, count=0)
        self.folder, self.pki, self.at = folder, pki, {}
        self.ways = {colour: Proxy(book.server.admin) for colour in COLOURS}
        self.colours = {colour: [self.front(f'{colour}-{n}', way) for n in (1, 2)]
                        for colour, way in self.ways.items()}
        # One that customers do not reach: for balances and lists at the end.
        self.server = Front(str(folder / 'aside'), book.server, self.way.address).start()
        self.fronts = [self.server, *(f for pair in self.colours.values() for f in pair)]
        for front in self.fronts:
            until(lambda f=front: f.metric('overround_front_takes_bets') == 1)
        variables = {f'OVERROUND_{name.upper().replace("-", "_")}': at
                     for name, at in self.at.items()}
        self.proxy = HAProxy(folder, pki, 'fronts.cfg', variables)
        until(lambda: self.is_up('blue') and self.is_up('green'))

    def front(self, name, way):
        self.at[name] = '127.0.0.1', free_port()  # it keeps its place
        return Front(str(self.folder / name), self.book.server, way.address,
                     '--listen-proxies', '127.0.0.1', '--address-requests', '0',
                     listen='{}:{}'.format(*self.at[name])).start()

    def is_up(self, colour):
        states = self.proxy.states()
        return all(not states[name].startswith('DOWN') for name in states if colour in name)

    def asked(self, colour):
        return sum(f.metric('overround_link_questions_total') for f in self.colours[colour])

    def close(self):
        self.proxy.close()
        super().close()
        for way in self.ways.values():
            way.close()


@pytest.fixture
def colours(own_book, tmp_path):
    made = Colours(own_book, tmp_path, Pki(tmp_path / 'pki').issue('server'))
    yield made
    made.close()


def ended(switch, seconds=ROLLBACK_SECONDS_MAX):
    out, error = switch.communicate(timeout=seconds)
    return switch.returncode, out + error


def turn_to(colours, colour):
    """Until the switch says that it serves: a front that a busy machine lets stand still for longer
    than the health checks bear is a fault, and the switch goes back."""
    def turned():
        code, said = ended(colours.proxy.switch(colour, '--watch', '1'))
        assert code == 1 and ('went down' in said or 'is not up' in said) or \
            code == 0 and f'{colour} serves' in said, said
        return code == 0
    until(turned, 120)


def acknowledged_more(load, count):
    """So many that were also asked for from now on: each customer may wait for one already."""
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count + len(load.customers))


def check_refused(colours, load):
    """Nobody is refused for the change: who was, was so while a front had lost its book."""
    lost = sum(front.metric('overround_link_sessions_total') - 1 for front in colours.fronts)
    for answer in load.refused.values():
        assert lost > 0 and answer.json['code'] in ('BOOK_AWAY', 'ANSWER_DELAYED'), answer


def test_customers_change_over_and_back(colours):
    market = colours.book.market()
    load = Secure(colours, market)
    with WebSocket(colours.proxy.address, load.customers[0].token,
                   tls=colours.pki.client()) as stream:
        assert stream.handshake.status == 101
        join = load.start(0)
        acknowledged_more(load, 50)
        assert colours.asked('green') == 0
        for colour, other in (('green', 'blue'), ('blue', 'green')):
            turn_to(colours, colour)
            join()  # so that no answer of the other one is under way
            join = load.start(colour)
            asked = colours.asked(colour), colours.asked(other)
            acknowledged_more(load, 50)
            assert colours.asked(colour) >= asked[0] + 50
            assert colours.asked(other) == asked[1]
        stream.send({'op': 'ping'})
        assert stream.wait_for(op='pong')  # through both, at the front where it began
    join()
    check_refused(colours, load)
    load.retry_unanswered()
    load.check()


def test_a_colour_that_dies_is_left_by_itself(colours):
    market = colours.book.market()
    load = Secure(colours, market)
    join = load.start(0)
    acknowledged_more(load, 50)
    switch = colours.proxy.switch('green', '--watch', '60')
    until(lambda: colours.proxy.weight('blue-1') == 0)
    for front in colours.colours['green']:
        front.kill()
    code, said = ended(switch)
    assert code == 1 and 'back to blue' in said and 'went down' in said, said
    assert colours.proxy.weight('blue-1') > 0 and colours.proxy.weight('green-1') == 0
    join()
    join = load.start(1)
    acknowledged_more(load, 50)
    join()
    load.retry_unanswered()
    load.check()


def test_a_colour_whose_answers_are_errors_is_left_by_itself(colours):
    """It lives, but its way to the book is gone."""
    load = Secure(colours, colours.book.market())
    join = load.start(0)
    acknowledged_more(load, 50)
    colours.ways['green'].stop()
    for front in colours.colours['green']:
        until(lambda f=front: f.metric('overround_front_takes_bets') == 0)
    begun = Clock()
    code, said = ended(colours.proxy.switch('green', '--watch', '60'))
    assert code == 1 and 'back to blue' in said and 'answers were 5xx' in said, said
    acknowledged_more(load, 50)
    say(f'{said.strip()}; 50 bets more were taken {begun} after its begin')
    assert colours.is_up('green')
    assert colours.proxy.weight('blue-1') > 0 and colours.proxy.weight('green-1') == 0
    join()
    assert {answer.code for answer in load.refused.values()} == {'BOOK_AWAY'}
    load.retry_unanswered()
    load.check()


def test_nothing_changes_while_a_front_of_the_new_colour_is_down(colours):
    colours.colours['green'][1].kill()
    until(lambda: colours.proxy.states()['green-2'].startswith('DOWN'))
    code, said = ended(colours.proxy.switch('green', '--watch', '1'))
    assert code == 1 and 'nothing changed: green-2 is not up' in said, said
    assert colours.proxy.weight('blue-1') > 0 and colours.proxy.weight('green-1') == 0


def test_usage_of_the_switch():
    done = subprocess.run([os.path.join(FOLDER, 'switch'), 'red'], stderr=subprocess.PIPE,
                          text=True, check=False)
    assert done.returncode == 2 and 'blue' in done.stderr
