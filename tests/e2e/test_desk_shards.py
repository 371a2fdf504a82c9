"""The desk's page where the desk has shards: which of them are away, and what they have to do."""
import os

import pytest
from conftest import make
from lib.browser import Browser
from lib.desk_apart import DeskApart
from lib.redis import Redis


@pytest.fixture(scope='module')
def browser():
    with Browser() as found:
        yield found


@pytest.fixture(name='apart')
def made_apart(tmp_path):
    made = DeskApart(Redis().start(), tmp_path)
    yield made
    made.close()


def open_desk(server, browser):
    page = browser.page('http://%s:%d/desk/' % server.admin)
    page.wait('document.readyState == "complete" && document.getElementById("token")'
              ' && !document.getElementById("sign-in").hidden')
    page.fill('#token', server.token('trader-1', 'trader'))
    page.click('#sign-in-form button')
    page.wait('document.querySelectorAll(".market-row").length > 0')
    return page


def shows(page, selector, text, yes=True):
    page.wait(f'{page.text(selector)}.includes("{text}") == {"true" if yes else "false"}')


def test_a_trader_sees_which_shard_is_away_and_what_that_means(apart, browser):
    market = apart.market()
    apart.all_bet(market)
    page = open_desk(apart.desk.server, browser)
    row, line = f'.market-row[data-market="{market}"]', '#shards'
    shows(page, line, '2 of 2 shards take bets')
    page.click(f'{row} .do button')
    shows(page, row, 'Stopped by the desk')
    assert 'away' not in page.run(page.text('#market-chosen'))
    apart.services[1].kill()
    shows(page, line, '1 of 2 shards take bets')
    shows(page, line, 'Shard 1 is away')
    page.click(f'{row} .do button')  # the market is open again
    shows(page, '#market-chosen', 'Shard 1 is away: it takes no bets before it has this.')
    shows(page, row, 'Stopped by the desk', False)
    if 'SCREENSHOT' in os.environ:
        page.screenshot(os.environ['SCREENSHOT'])
    apart.services[1].start()
    shows(page, line, '2 of 2 shards take bets')
    shows(page, line, 'away', False)
    assert page.errors == []


def test_a_desk_of_one_log_has_no_line_of_shards(browser, tmp_path):
    book = make(tmp_path / 'data')
    try:
        book.market()
        page = open_desk(book.server, browser)
        assert page.run('document.getElementById("shards").hidden') is True
        assert page.errors == []
    finally:
        book.close()
