"""The trading desk: what it is told of markets, and its page in a real browser."""
import pytest
from conftest import make
from lib.browser import Browser
from lib.http import Http
from lib.strace import Strace
from lib.until import until

MARKETS = '/v1/admin/markets'
BETS = 600  # of one market, one settled a turn
SLOW_TURNS = 'delay_enter=10000'  # microseconds before each, that the bar is seen while it runs


@pytest.fixture(scope='module')
def book(tmp_path_factory):
    """Two persons settle; one bet a turn, that it can be looked at."""
    made = make(tmp_path_factory.mktemp('desk') / 'data',
                ['--results-approval', 'second-person', '--settle-per-turn-max', '1'])
    yield made
    made.close()


@pytest.fixture(scope='module')
def browser():
    with Browser() as found:
        yield found


def ask(book, path, who='trader-1', role='trader', method='GET', body=None):
    with Http(book.server.admin) as http:
        return http.request(method, path, body, book.server.token(who, role))


def listed(book):
    """All markets, page by page."""
    found, query = {}, ''
    while True:
        page = ask(book, MARKETS + query).json
        found.update({row['market_id']: row for row in page['markets']})
        if page['next_cursor'] is None:
            return found
        query = f"?cursor={page['next_cursor']}"


# ---- the list ----

def test_markets_are_listed_with_prices_and_open_bets(book):
    market = book.market(event='list-1')
    row = listed(book)[market]
    assert (row['status'], row['shown'], row['held'], row['bets']) == ('active', True, False, 0)
    assert [s['id'] for s in row['selections']] == ['11', '12', '13']
    customer = book.bettor()
    odds, _ = customer.odds(market, 11)
    assert row['selections'][0]['odds'] == odds
    customer.bet(market, 11, '10.00')
    row, = ask(book, f'{MARKETS}?market_id={market}').json['markets']
    assert (row['bets'], row['bets_unsettled']) == (1, 1)


@pytest.mark.parametrize('query', ['?cursor=x', '?cursor=-1', '?cursor=4294967296'])
def test_a_cursor_that_is_none_is_refused(book, query):
    response = ask(book, MARKETS + query)
    assert (response.status, response.code) == (400, 'INVALID_PARAMETER')


def test_markets_are_for_the_staff(book):
    with Http(book.server.admin) as http:
        assert http.request('GET', MARKETS).status == 401
    assert ask(book, MARKETS, 'ann', 'bettor').status == 403
    assert ask(book, MARKETS, 'al', 'auditor').status == 200
    assert ask(book, MARKETS, method='POST', body={}).status == 405
    assert ask(book, f'{MARKETS}?market_id=none').json['markets'] == []


def test_only_a_demo_gives_tokens_away(book):
    with Http(book.server.admin) as http:
        assert http.request('POST', '/v1/demo/session', {}).status == 404


# ---- the page ----

def test_each_listener_has_its_own_page(book):
    with Http(book.server.admin) as http:
        assert http.request('GET', '/').headers['location'] == '/desk/'
        page = http.request('GET', '/desk/')
        assert page.status == 200
        assert page.headers['content-security-policy'].startswith("default-src 'self';")
        assert http.request('GET', '/shared/http.js').status == 200
        assert http.request('GET', '/app.js').status == 404
        assert http.request('POST', '/desk/', {}).status == 405
    assert book.server.get('/desk/').status == 404
    assert book.server.get('/shared/http.js').status == 200


@pytest.fixture
def desk(book, browser):
    """Opens the page and signs somebody in."""
    opened = []

    def sign_in(who, **size):
        page = browser.page('http://%s:%d/desk/' % book.server.admin, **size)
        opened.append(page)
        page.wait('document.readyState == "complete" && document.getElementById("token")'
                  ' && !document.getElementById("sign-in").hidden')
        page.fill('#token', book.server.token(who, 'trader'))
        page.click('#sign-in-form button')
        page.wait('document.querySelectorAll(".market-row").length > 0')
        return page
    yield sign_in
    assert [page.errors for page in opened] == [[] for _ in opened]


def row(market, rest):
    return f'.market-row[data-market="{market}"] {rest}'


def choose(page, selection, outcome):
    page.pick(f'.outcome[data-selection="{selection}"] .outcome-head select', outcome)


def enter(page, market, reason='seen on the pitch', **outcomes):
    """The result of a market, through the form; outcomes: s11='WON'."""
    page.click(row(market, '.do button:last-child'))
    for selection, outcome in outcomes.items():
        choose(page, selection[1:], outcome)
    page.fill('#market-chosen form > .field input', reason)
    page.click('#market-chosen form > button.main')


def tab(page, name):
    page.click(f'[data-tab="{name}"]')


def crowd(book, market, count):
    """Many bets of few customers, in flight together."""
    customers = [book.bettor(money='1000.00') for _ in range(5)]
    odds, version = customers[0].odds(market, 11)
    for customer in customers:
        for number in range(count // len(customers)):
            customer.http.begin('POST', '/v1/bets', {
                'market_id': market, 'selection_id': '11', 'odds': odds, 'odds_version': version,
                'stake': 1, 'currency': 'GBP'}, customer.token, {'Idempotency-Key': f'{number}'})
    for customer in customers:
        assert {customer.http.response().status for _ in range(count // len(customers))} == {201}
    return customers


def test_a_market_is_stopped_and_opened_again(book, desk):
    market = book.market(event='stop-1')
    page = desk('tom')
    page.wait(page.found(row(market, '.do button')))
    page.click(row(market, '.do button'))
    page.wait(f'/Stopped by the desk/.test({page.text(row(market, ".state"))})')
    assert book.server.get(f'/v1/odds/{market}').json['status'] == 'suspended'
    page.click(row(market, '.do button'))
    page.wait(f'!/Stopped by the desk/.test({page.text(row(market, ".state"))})')
    assert book.server.get(f'/v1/odds/{market}').json['status'] == 'active'


def test_one_enters_a_result_another_approves_it_and_the_bar_runs(book, desk):
    market = book.market(event='settle-1')
    customers = crowd(book, market, BETS)
    tom, eve = desk('tom'), desk('eve')
    tom.wait(tom.found(row(market, '.do')))
    enter(tom, market, s11='WON', s12='LOST', s13='LOST')
    tom.wait(f'/Proposed as/.test({tom.text("#market-chosen .answer")})')
    tab(tom, 'proposals')
    tom.wait(f'/You proposed it/.test({tom.text(".proposal")})')
    assert tom.run('[...document.querySelectorAll(".decide button")].map((b) => b.textContent)'
                   '.join()') == 'Withdraw'
    tab(eve, 'proposals')
    eve.wait(f'/seen on the pitch/.test({eve.text(".proposal")})')
    tab(tom, 'settlements')
    tom.run('''window.seen = new Set(); new MutationObserver(() => {
        const bar = document.querySelector("#settlements-list progress");
        if (bar) window.seen.add(bar.value);
    }).observe(document.getElementById("settlements"), {subtree: true, childList: true,
        attributes: true, characterData: true})''')
    with Strace(book.server, 'epoll_pwait2', SLOW_TURNS):
        eve.click('.proposal .main')
        eve.wait(f'/Approved/.test({eve.text("#proposals-answer")})')
        tom.wait('[...window.seen].filter((value) => value > 0).length > 1')
    tom.wait(f'/all {BETS} bets are done/.test({tom.text("#settlements-text")})', 60)
    for customer in customers:
        until(lambda c=customer: c.balance() > 1000)


def test_each_kind_of_result_is_entered(book, desk):
    """A dead heat, a runner that did not run, a roll-back, a window of void bets: as the book
    understood them."""
    market = book.market(event='kinds-1')
    page = desk('tom')
    page.wait(page.found(row(market, '.do')))
    page.click(row(market, '.do button:last-child'))
    choose(page, 11, 'DEAD_HEAT')
    choose(page, 12, 'POSITION')
    page.fill('.outcome[data-selection="12"] .outcome-more input', '2')
    choose(page, 13, 'WITHDRAWN')
    page.fill('.outcome[data-selection="13"] .field:nth-child(2) input', '5.00')
    page.fill('#market-chosen form > .field input', 'photo')
    page.click('#market-chosen form > button.main')
    page.wait(f'/Proposed as/.test({page.text("#market-chosen .answer")})')
    page.pick('#market-chosen form > .pair select', 'cancel')
    page.click('#market-chosen form > button.main')
    page.wait(f'/Proposed as|version/.test({page.text("#market-chosen .answer")})')
    waiting = [p for p in ask(book, '/v1/admin/results/proposals').json['proposals']
               if p['market_id'] == market]
    first = {s['selection_id']: s for s in waiting[0]['selections']}
    assert (first['11']['result'], first['11']['dead_heat_factor']) == ('DEAD_HEAT', '1/2')
    assert (first['12']['result'], first['12']['position']) == ('LOST', 2)
    assert (first['13']['result'], first['13']['reduction_factor']) == ('VOID', 20)
    assert [p['kind'] for p in waiting][1:] in ([], ['cancel'])


def test_a_market_that_no_feed_shows_any_more_is_found_by_its_id(own_book, browser):
    market = own_book.market(event='gone-1')
    customer = own_book.bettor(money='20.00')
    bet = customer.bet(market, 11, '10.00').json
    own_book.server.restart()
    customer.reconnect()
    page = browser.page('http://%s:%d/desk/' % own_book.server.admin)
    page.fill('#token', own_book.server.token('tom', 'trader'))
    page.click('#sign-in-form button')
    page.fill('#markets-find', market)
    page.click('#markets-by-id')
    choose(page, 11, 'WON')
    page.click('#market-chosen .actions button')
    page.fill('#market-chosen form > .field input', 'late')
    page.click('#market-chosen form > button.main')
    page.wait(f'/Recorded/.test({page.text("#market-chosen .answer")})')
    customer.wait_bet(bet['bet_id'], status='WON')
    assert page.errors == []


def test_names_are_texts_whatever_stands_in_them(book, desk):
    name = '<img src=x onerror=window.evil=1>'
    market = book.market(event='names-1', name=name, eventName=name)
    page = desk('tom')
    page.wait(f'{page.text(row(market, "strong"))} == {name!r}')
    assert page.run('document.querySelectorAll("main img").length + (window.evil || 0)') == 0


def test_limits_are_set_and_refuse(book, desk):
    market = book.market(event='limits-1')
    page = desk('tom')
    page.wait(page.found(row(market, '.do')))
    tab(page, 'limits')
    page.fill('#limits-form .pair:first-child input', market)
    page.fill('#limits-form .pair:nth-of-type(2) .field:nth-child(2) input', '320')
    page.fill('#limits-form > .field input', 'sharp')
    page.click('#limits-form .main')
    page.wait(f'/Set: ledger/.test({page.text("#limits-answer")})')
    refused = book.bettor().bet(market, 11, '10.00')
    assert refused.code == 'STAKE_LIMIT' and str(refused.json['stake_max']) == '3.20'


def test_promotional_money_is_granted(book, desk):
    customer = book.bettor(money='10.00')
    page = desk('tom')
    tab(page, 'grants')
    page.fill('#grants-form .pair:first-child input', customer.name)
    page.fill('#grants-form .pair:nth-of-type(2) input', '5')
    page.fill('#grants-form > .field input', 'welcome')
    page.click('#grants-form .main')
    page.wait(f'/Done: £5.00/.test({page.text("#grants-answer")})')
    assert customer.account()['free_bets'] == 5


def referred(book, stake='10.00'):
    """Somebody's bet that waits for the desk."""
    market, customer = book.market(event='referred'), book.bettor(money='50.00')
    limited = ask(book, f'/v1/admin/limits/market/{market}', method='PUT',
                  body={'stake_minor_max': 320, 'refers': True, 'reason': 'thin'})
    assert limited.status == 200, limited.body
    response = customer.bet(market, 11, stake)
    assert response.status == 202 and response.json['referred'] == 'STAKE_LIMIT', response.body
    return customer, response.json['bet_id']


def test_bets_that_wait_are_accepted_rejected_and_offered(book, desk):
    bets = [referred(book) for _ in range(3)]
    page = desk('tom')
    page.wait(f'/\\(3\\)/.test({page.text("#referrals-count")})')
    tab(page, 'referrals')

    def at(bet, rest):
        return f'.referral[data-bet="{bet[1]}"] {rest}'

    def say(bet, nth, told):
        page.click(at(bet, f'.actions:last-child button:nth-child({nth})'))
        page.wait(f'/{told}: ledger/.test({page.text("#referrals-answer")})')

    page.wait(f'/without the desk at most £3.20 would be taken/.test({page.text(at(bets[0], ""))})')
    page.wait(f'/waits · ends in \\d+ s/.test({page.text(at(bets[0], ""))})')
    page.click(at(bets[0], '.actions:last-child button:nth-child(3)'))
    page.wait(f'/another stake, or another price/.test({page.text("#referrals-answer")})')
    page.fill(at(bets[0], '.pair .field:first-child input'), '5')
    page.fill(at(bets[0], 'td input'), '1.50')
    say(bets[0], 3, 'Offered')
    page.wait(f'/waits for the customer · £5.00 offered/.test({page.text(at(bets[0], ""))})')
    say(bets[1], 1, 'Accepted')
    say(bets[2], 2, 'Rejected')
    page.wait('document.querySelectorAll(".referral").length == 1')
    customer, bet = bets[0]
    offer = customer.read(bet)['offer']
    assert (offer['stake'], str(offer['prices'][0]['odds'])) == (5, '1.50')
    bets[1][0].wait_bet(bets[1][1], status='PLACED')
    bets[2][0].wait_bet(bets[2][1], status='NOT_ACCEPTED')
    say(bets[0], 2, 'Rejected')


def test_a_bad_token_is_refused_by_the_page(book, browser):
    page = browser.page('http://%s:%d/desk/' % book.server.admin, width=360, height=740)
    page.wait('document.readyState == "complete" && document.getElementById("token")'
              ' && !document.getElementById("sign-in").hidden')
    page.fill('#token', 'no.token.this')
    page.click('#sign-in-form button')
    page.wait(f'/no token/.test({page.text("#sign-in-answer")})')
    assert page.run('document.documentElement.scrollWidth') <= 360
