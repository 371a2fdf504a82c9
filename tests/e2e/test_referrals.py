"""Bets that wait for the trading desk: its words, offers and their answers, on both transports,
and a restart in between."""
import json
from decimal import Decimal

import pytest
from conftest import make
from lib.server import run
from lib.until import until

DESK = '/v1/admin/referrals'


@pytest.fixture(scope='module')
def asked(tmp_path_factory):
    made = make(tmp_path_factory.mktemp('referrals') / 'data',
                ('--stake-minor-max', '1000', '--referrals', 'on',
                 '--liability-minor-max', '20000'))
    yield made
    made.close()


def waiting(book, bet):
    rows = book.server.desk(DESK, None, method='GET').json['referrals']
    return next((row for row in rows if row['bet_id'] == bet['bet_id']), None)


def say(book, bet, word, **body):
    return book.server.desk(f"{DESK}/{bet['bet_id']}/{word}", {'reason': 'known well', **body})


def answer(customer, bet, word, offer_id):
    return customer.call('POST', f"/v1/bets/{bet['bet_id']}/offer/{word}", {'offer_id': offer_id})


def begin(book, stake='50.00', money='200.00'):
    market, customer = book.market({11: 2.0, 12: 2.0}), book.bettor(money=money)
    response = customer.bet(market, 11, stake)
    assert response.status == 202, response.body
    return market, customer, response.json


def test_a_bet_above_the_limit_waits_and_is_accepted(asked):
    market, customer, bet = begin(asked)
    assert bet['status'] == 'PENDING' and bet['referred'] == 'STAKE_LIMIT'
    assert bet['limited_by'] == 'PLATFORM' and bet['balance'] == 150
    row = waiting(asked, bet)
    assert row['state'] == 'WAITING' and row['stake'] == 50 and row['stake_max'] == 10
    assert row['user_id'] == customer.name and row['decide_at'] == bet['decide_at']
    assert row['legs'][0]['odds_now'] == row['legs'][0]['odds'] == bet['odds']
    assert say(asked, bet, 'accept', reason='').status == 400
    response = say(asked, bet, 'accept')
    assert response.status == 200 and response.json['word'] == 'ACCEPTED', response.body
    told = customer.wait_bet(bet['bet_id'], status='PLACED')
    assert [h['event'] for h in told['history']] == ['PENDING', 'REFERRAL_ACCEPTED', 'PLACED']
    assert waiting(asked, bet) is None
    assert say(asked, bet, 'accept').status == 404
    assert customer.balance() == 150


def test_a_rejected_bet_is_given_back(asked):
    _, customer, bet = begin(asked)
    with asked.server.websocket(token=customer.token) as socket:
        assert say(asked, bet, 'reject').status == 200
        push = socket.wait_for(op='bet_update')
    assert push['status'] == 'NOT_ACCEPTED' and push['reason'] == 'NOT_ACCEPTED_BY_TRADER'
    assert customer.balance() == 200


def test_an_offer_is_pushed_and_taken_once(asked):
    market, customer, bet = begin(asked)
    with asked.server.websocket(token=customer.token) as socket:
        said = say(asked, bet, 'offer', stake=Decimal('20.00'), odds=[Decimal('1.80')])
        assert said.status == 200, said.body
        push = socket.wait_for(op='bet_update')
    assert push['referral'] == 'OFFERED' and push['offer_id'] == said.json['offer_id']
    assert push['stake'] == 20 and push['potential_return'] == 36
    assert push['legs'][0]['odds'] == Decimal('1.80')
    assert customer.read(bet['bet_id'])['offer']['offer_id'] == push['offer_id']
    asked.feed.prices(market, {11: 1.5, 12: 2.5})  # the trader named 1.80
    assert answer(customer, bet, 'accept', '0-1').json['code'] == 'OFFER_EXPIRED'
    assert answer(asked.bettor(), bet, 'accept', push['offer_id']).status == 404
    taken = answer(customer, bet, 'accept', push['offer_id'])
    assert taken.status == 202 and taken.json['offer'] == 'ACCEPTED', taken.body
    again = answer(customer, bet, 'accept', push['offer_id'])
    assert again.status == 200 and again.headers['idempotent-replayed'] == 'true'
    assert again.json == taken.json
    assert answer(customer, bet, 'decline', push['offer_id']).json['code'] == 'OFFER_EXPIRED'
    told = customer.wait_bet(bet['bet_id'], status='PLACED')
    assert told['stake'] == 20 and told['legs'][0]['odds'] == Decimal('1.80')
    assert customer.balance() == 180
    asked.feed.settle(market, {11})
    assert customer.wait_bet(bet['bet_id'], status='WON')['payout'] == 36


def test_an_offer_is_declined_over_the_websocket(asked):
    _, customer, bet = begin(asked)
    offer = say(asked, bet, 'offer', stake=20).json
    with asked.server.websocket(token=customer.token) as socket:
        for word, status in (('decline_offer', 200), ('accept_offer', 409)):
            socket.send({'op': word, 'id': word, 'bet_id': bet['bet_id'],
                         'offer': {'offer_id': offer['offer_id']}})
            told = socket.wait_for(op='bet', id=word)
            assert told['code'] == status, told
    told = customer.wait_bet(bet['bet_id'], status='NOT_ACCEPTED')
    assert told['history'][-1]['reason'] == 'RE_OFFERED' and customer.balance() == 200


def test_what_is_not_lifted_refuses_the_word(asked):
    _, customer, bet = begin(asked, stake='300.00', money='400.00')
    refused = say(asked, bet, 'accept')
    assert refused.status == 422 and refused.code == 'LIABILITY_LIMIT'
    assert say(asked, bet, 'offer', stake=301).code == 'STAKE_LIMIT'
    assert say(asked, bet, 'accept', lift_stake=True, lift_liability=True).status == 200
    customer.wait_bet(bet['bet_id'], status='PLACED')


@pytest.mark.parametrize('word,body', [
    ('accept', {'stake': 1}), ('reject', {'lift_stake': True}), ('offer', {'odds': [1.0]}),
    ('offer', {'odds': [2.0] * 101}), ('offer', {'stake': 0}), ('offer', {'stake': 1.001}),
    ('offer', {'valid_ms': 600001}), ('offer', {'odds': {}}), ('accept', {'lift_stake': 1})])
def test_what_is_no_word_is_refused(asked, word, body):
    _, customer, bet = begin(asked)
    assert say(asked, bet, word, **body).status == 400
    assert asked.server.desk(f"{DESK}/{bet['bet_id']}/{word}", {'reason': 'x', **body},
                             role='support').status == 403
    assert say(asked, bet, 'reject').status == 200


def test_a_customer_is_referred_and_a_restart_leaves_him_his_time(own_book):
    customer = own_book.bettor(money='200.00')
    limits = own_book.server.desk(f'/v1/admin/limits/customer/{customer.name}',
                                  {'reason': 'new', 'refer_minor_above': 1000}, method='PUT')
    assert limits.status == 200 and limits.json['refer_minor_above'] == 1000
    market = own_book.market({11: 2.0, 12: 2.0})
    assert customer.bet(market, 11, '10.00').status == 201
    bet = customer.bet(market, 11, '50.00').json
    assert bet['referred'] == 'RULE' and bet['limited_by'] == 'PLAYER'
    offer = say(own_book, bet, 'offer', stake=30, valid_ms=600000).json
    own_book.server.restart()
    own_book.feed.again()
    customer.reconnect()
    assert until(lambda: customer.odds(market, 11))
    assert waiting(own_book, bet)['state'] == 'OFFERED'
    taken = answer(customer, bet, 'accept', offer['offer_id'])
    assert taken.status == 202, taken.body
    assert customer.wait_bet(bet['bet_id'], status='PLACED')['stake'] == 30
    assert customer.balance() == 160
    until(lambda: own_book.server.metric('overround_referrals_waiting') == 0)
    assert own_book.server.metric('overround_referral_words_total', word='taken') == 1
    assert own_book.server.terminate() == 0
    dump = run('ledger', 'dump', *own_book.server.ledger_options()).stdout
    words = [json.loads(line)['word'] for line in dump.splitlines() if '"REFERRAL"' in line]
    assert words == ['offered', 'taken']
    assert 'all invariants hold' in own_book.server.verify()


def test_silence_ends_it(tmp_path):
    book = make(tmp_path / 'data', ('--stake-minor-max', '1000', '--referrals', 'on',
                                    '--referral-timeout-ms', '300', '--referral-offer-ms', '300',
                                    '--referrals-max', '1'))
    try:
        market, customer = book.market({11: 2.0, 12: 2.0}), book.bettor(money='200.00')
        bet = customer.bet(market, 11, '50.00').json
        told = customer.wait_bet(bet['bet_id'], status='NOT_ACCEPTED')
        assert told['history'][-1]['reason'] == 'REFERRAL_TIMEOUT' and customer.balance() == 200
    finally:
        book.close()
