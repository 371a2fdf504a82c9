"""The bettors' page in a real browser: every kind of bet, what is said before it is placed, and
what becomes of it."""
import itertools

import pytest
from conftest import make
from lib.browser import Browser
from lib.desk import post
from lib.http import Http

EVENTS = itertools.count(1)
PRICES = {11: 2.0, 12: 3.5, 13: 4.2}
TERMS = {'marketType': 'EACH_WAY', 'numberOfWinners': 3, 'eachWayDivisor': 5}


@pytest.fixture(scope='module')
def book(tmp_path_factory):
    """Prices as the exchange has them."""
    made = make(tmp_path_factory.mktemp('page') / 'data', ['--margin-permyriad', '0'],
                profile='demo')
    yield made
    made.close()


@pytest.fixture(scope='module')
def browser():
    with Browser() as found:
        yield found


@pytest.fixture
def page(book, browser):
    """A new player with 100 pounds."""
    opened = browser.page('http://%s:%d/' % book.server.public)
    opened.wait('document.body && document.body.dataset.view')
    opened.click('#deposit')
    opened.wait(f'/£100.00/.test({opened.text("#balance")})')
    yield opened
    assert opened.errors == []


def market(book, prices=None, **definition):
    event = f'event-{next(EVENTS)}'
    definition.setdefault('eventName', f'Home {event} v Away')
    return book.market(prices or PRICES, event=event, **definition)


def offered(page, ident, runner):
    """The button of a price, by the names that the feed gave it."""
    return (f'[...document.querySelectorAll(".market")].find((m) => m.querySelector("h4")'
            f'.textContent == "Market {ident}")?.querySelector(".price:nth-child({runner - 10})")')


def choose(page, *idents, runner=11):
    for ident in idents:
        at = offered(page, ident, runner)
        page.wait(f'{at} && !{at}.disabled')
        page.run(f'{at}.click()')
    page.wait(f'document.querySelectorAll("#slip-legs li").length == {len(idents)}')


def stake(page, amount):
    page.fill('#stake', amount)


def place(page):
    page.click('#place')
    page.wait(f'/^Placed/.test({page.text("#answer .answer")})')


def bet(page, says, at=1):
    """Until the newest bet but (at - 1) says so."""
    page.wait(f'{says}.test({page.text(f"#bets-list > li:nth-child({at})")})')


def says(page, selector, text):
    page.wait(f'{page.text(selector)} == "{text}"')


def test_a_double_is_placed_wins_and_is_explained(book, page):
    first, second = market(book), market(book)
    choose(page, first, second)
    says(page, '#kind option:checked', 'Double (1 line)')
    stake(page, '5')
    says(page, '#slip-return', '£20.00')
    place(page)
    bet(page, r'/Double @ 4\.00\s+Open[^]*would return £20\.00/')
    for ident in first, second:
        post(book, ident, 1, s11='WON', s12='LOST', s13='LOST')
    bet(page, r'/Double @ 4\.00\s+Won[^]*✓ Won[^]*✓ Won[^]*returned £20\.00/')
    says(page, '#balance', '£115.00')
    page.click('#bets-list summary')
    bet(page, r'/You staked 5\.00 GBP on a multiple of 2 selections/')
    post(book, second, 2, s11='LOST', s12='WON', s13='LOST')
    bet(page, r'/Lost[^]*The result was corrected: the return was £20\.00 and is now £0\.00/')
    says(page, '#balance', '£95.00')


def test_a_lucky_15_says_its_lines_and_its_stake_before(book, page):
    choose(page, *(market(book) for _ in range(4)))
    page.pick('#kind', 'LUCKY_15')
    stake(page, '1')
    says(page, '#slip-lines', '15 lines of £1.00')
    says(page, '#slip-total', '£15.00')
    says(page, '#slip-return', '£80.00')
    place(page)
    bet(page, r'/Lucky 15\s+Open[^]*Stake £15\.00 · would return £80\.00/')
    says(page, '#balance', '£85.00')


def test_a_banker_stands_in_every_line(book, page):
    choose(page, *(market(book) for _ in range(3)))
    page.click('#slip-legs input')
    page.pick('#kind', 'of:1')
    stake(page, '2')
    says(page, '#slip-lines', '2 lines of £2.00')
    place(page)
    bet(page, r'/Banker with every 1 of 2[^]*banker[^]*Stake £4\.00 · would return £16\.00/')


def test_singles_are_bets_of_their_own(book, page):
    choose(page, market(book), market(book))
    page.pick('#kind', 'singles')
    stake(page, '3')
    says(page, '#place', 'Place 2 bets · £6.00')
    page.click('#place')
    page.wait('document.querySelectorAll("#bets-list > li").length == 2')
    says(page, '#balance', '£94.00')


def test_each_way_says_its_terms_and_pays_the_place(book, page):
    """The exchange's each-way market: nothing to win only is offered."""
    race = market(book, {11: 6.0, 12: 3.0, 13: 4.0}, **TERMS)
    choose(page, race)
    terms = page.text('#each-way-terms')
    page.wait(f'/^Half of .*: 1.5 of the odds, 3 places. .*only/.test({terms})')
    assert page.run('(({checked, disabled}) => checked && disabled)'
                    '(document.getElementById("each-way"))')
    stake(page, '5')
    says(page, '#slip-lines', '2 lines of £5.00')
    says(page, '#slip-total', '£10.00')
    says(page, '#slip-return', '£40.00')
    place(page)
    bet(page, r'/Runner 11 each-way @ 6\.00[^]*1\/5 of the odds, 3 places[^]*Stake £10\.00/')
    assert not page.run('!!document.querySelector("#bets-list .cash")')


def test_each_way_only_and_to_win_only_are_told_apart(book, page):
    race, match = market(book, {11: 6.0, 12: 3.0, 13: 4.0}, **TERMS), market(book)
    choose(page, race, match)
    page.wait(f'/is bet on each-way only, and .* to win only/.test({page.text("#slip-related")})')
    assert page.run('document.getElementById("place").disabled')
    page.click('#slip-legs li:first-child button')
    page.wait('!document.getElementById("place").disabled')
    assert not page.run('document.getElementById("each-way").checked')


def test_half_of_a_bet_is_cashed_out_and_the_rest_settles(book, page):
    ident = market(book, {11: 2.96, 12: 2.96, 13: 2.96})
    choose(page, ident)
    stake(page, '10')
    place(page)
    book.feed.prices(ident, {11: 1.9, 12: 2.98, 13: 2.98})
    page.click('#bets-list .cash')
    page.wait(f'/Good for \\d+ s for £10.00/.test({page.text(".cash-form")})')
    page.pick('.cash-form select', '0.5')
    page.wait(f'/for £5.00 of the stake/.test({page.text(".cash-form")})')
    page.click('.cash-form .main')
    bet(page, r'/Open · part cashed out[^]*cashed out for £\d+\.\d\d · £5\.00 still on/')
    post(book, ident, 1, s11='WON', s12='LOST', s13='LOST')
    bet(page, r'/Won[^]*cashed out for £\d+\.\d\d · returned £14\.80/')
    page.click('#bets-list summary')
    bet(page, '/You sold|cash/i')


def test_an_offer_that_changed_is_put_again(book, page):
    ident = market(book, {11: 2.96, 12: 2.96, 13: 2.96})
    choose(page, ident)
    stake(page, '10')
    place(page)
    page.click('#bets-list .cash')
    page.wait(f'/^Cash out for/.test({page.text(".cash-form .main")})')
    book.feed.prices(ident, {11: 4.0, 12: 2.5, 13: 2.5})
    page.click('.cash-form .main')
    page.wait(f'/It was £.* and is now £/.test({page.text(".cash-text")})')
    page.click('.cash-form .main')
    bet(page, r'/Cashed out[^]*cashed out for £/')


def test_in_play_a_cash_out_waits_too(book, page):
    ident = market(book, {11: 2.96, 12: 2.96, 13: 2.96}, inPlay=True, betDelay=1)
    choose(page, ident)
    stake(page, '10')
    page.click('#place')
    bet(page, '/Open/')
    page.click('#bets-list .cash')
    page.wait(f'/In play it waits 1 s/.test({page.text(".cash-form")})')
    page.click('.cash-form .main')
    bet(page, r'/Cashed out[^]*Stake £10\.00 · cashed out for £/')
    page.wait('/Cashed out/.test(document.getElementById("bets-news").textContent)')


def test_selections_of_one_event_are_told_before_the_bet(book, page):
    ident = market(book)
    choose(page, ident)
    at = offered(page, ident, 12)
    page.run(f'{at}.click()')
    page.wait(f'/2 of your selections are of Home .*cannot be/.test({page.text("#slip-related")})')
    assert page.run('document.getElementById("place").disabled')
    page.pick('#kind', 'singles')
    page.wait('!document.getElementById("place").disabled')


def test_a_limit_offers_what_it_takes(book, page):
    ident = market(book)
    limited = book.server.desk(f'/v1/admin/limits/market/{ident}',
                               {'stake_minor_max': 320, 'reason': 'thin'}, method='PUT')
    assert limited.status == 200, limited.body
    choose(page, ident)
    page.click('#place')
    page.wait(f'/Accept £3.20 instead/.test({page.text("#answer")})')
    page.click('#answer button')
    bet(page, r'/Open[^]*Stake £3\.20/')


def referred(book, page):
    """A bet of ten pounds that waits for the desk."""
    ident = market(book)
    limited = book.server.desk(f'/v1/admin/limits/market/{ident}', {
        'stake_minor_max': 320, 'refers': True, 'reason': 'thin'}, method='PUT')
    assert limited.status == 200, limited.body
    choose(page, ident)
    page.click('#place')
    page.wait(f'/the desk looks at it/.test({page.text("#answer")})')
    bet(page, r'/With the desk[^]*the desk has \d+ s/')
    row, = book.server.desk('/v1/admin/referrals', None, method='GET').json['referrals']
    return row['bet_id']


def word(book, ident, which, **body):
    said = book.server.desk(f'/v1/admin/referrals/{ident}/{which}', {'reason': 'known', **body})
    assert said.status == 200, said.body


def test_a_bet_that_waits_for_the_desk_is_taken_as_it_offers(book, page):
    ident = referred(book, page)
    word(book, ident, 'offer', stake=4, odds=[1.9])
    page.wait(f'/The desk offers £4.00 at 1.90, would return £7.60/.test({page.text(".offer")})')
    bet(page, r'/Offer of the desk[^]*Stake £10\.00[^]*Good for \d+ s/')
    page.reload()
    page.wait(f'/The desk offers £4.00 at 1.90/.test({page.text(".offer")})')
    says(page, '#balance', '£90.00')
    page.click('.offer .main')
    bet(page, r'/@ 1\.90\s+Open[^]*Stake £4\.00 · would return £7\.60/')
    says(page, '#balance', '£96.00')
    assert not page.run(page.found('.offer'))


@pytest.mark.parametrize('end,text', [('declined', 'You declined'), ('over', 'ended without'),
                                      ('rejected', 'does not take this bet')])
def test_a_bet_that_waits_for_the_desk_is_given_back(book, page, end, text):
    ident = referred(book, page)
    if end == 'rejected':
        word(book, ident, 'reject')
    else:
        word(book, ident, 'offer', stake=4, valid_ms=6000 if end == 'over' else 60000)
        page.wait(page.found('.offer'))
    if end == 'declined':
        page.click('.offer button:last-child')
    bet(page, f'/Not accepted[^]*{text}/')
    says(page, '#balance', '£100.00')
    assert not page.run(page.found('.offer'))


def test_a_bet_in_play_shows_its_wait(book, page):
    ident = market(book, inPlay=True, betDelay=6)
    choose(page, ident)
    page.wait(f'/waits 6 s/.test({page.text("#slip-hint")})')
    page.click('#place')
    bet(page, r'/Waiting[^]*taken in \d s/')
    bet(page, '/Open/')
    page.wait(f'/^Placed/.test({page.text("#answer .answer")})')


def test_a_free_bet_pays_its_winnings_alone(book, page):
    player = page.run('document.getElementById("player").textContent')
    with Http(book.server.admin) as http:
        granted = http.request('POST', f'/v1/admin/users/{player}/grants', {
            'kind': 'free_bet', 'amount': 10, 'currency': 'GBP', 'reason': 'welcome'},
            book.server.token('tom', 'trader'), {'Idempotency-Key': 'g1'})
    assert granted.status == 201, granted.body
    page.reload()
    page.wait(f'/free bets £10.00/.test({page.text("#promo")})')
    choose(page, market(book))
    page.pick('#stake-kind', 'free')
    says(page, '#slip-return', '£10.00')
    place(page)
    bet(page, r'/Stake £10\.00 of a free bet/')
    says(page, '#balance', '£100.00')
    page.wait(f'{page.text("#promo")} == ""')


def test_prices_are_read_in_the_format_of_ones_choice(book, page):
    ident = market(book, {11: 2.5, 12: 1.5, 13: 21.0})
    at = offered(page, ident, 11)
    page.wait(f'!!{at}')
    for form, shown in (('fractional', '3/2'), ('us', '+150'), ('decimal', '2.50')):
        page.pick('#format', form)
        page.wait(f'{at}.querySelector(".odds").textContent == "{shown}"')


def test_everything_can_be_reached_and_named(book, page):
    choose(page, market(book), market(book), market(book))
    nameless = page.run('''[...document.querySelectorAll("button, input, select, progress")]
        .filter((each) => each.getClientRects().length > 0)
        .filter((each) => !each.textContent.trim() && !each.labels?.length
            && !each.getAttribute("aria-label")).map((each) => each.outerHTML)''')
    assert nameless == []
    page.run('document.querySelector("#slip-legs button").focus()')
    assert page.run('document.activeElement.getAttribute("aria-label")').startswith('Remove')


def test_names_are_texts_whatever_stands_in_them(book, page):
    name = '<img src=x onerror=window.evil=1>'
    market(book, name=name, eventName=name)
    page.wait(f'[...document.querySelectorAll("h3")].some((h) => h.textContent == {name!r})')
    at = f'[...document.querySelectorAll(".match")].find((m) => m.innerText.includes({name!r}))'
    page.run(f'{at}.querySelector(".price").click()')
    page.wait(f'{page.text("#slip-legs")}.includes({name!r})')
    assert page.run('document.querySelectorAll("main img").length + (window.evil || 0)') == 0
