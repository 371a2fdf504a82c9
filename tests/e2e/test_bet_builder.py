"""A bet builder: parts of one event at a joint price, which no multiple of them could have."""
import pytest
from lib.bettor import Bettor
from lib.server import Server
from lib.until import until

PARTS = (('1x2', 'home'), ('total:2.5', 'over'))
JOINT = ('builder:1x2%2Btotal:2.5', 'home+over')


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    """Simulated matches, which price the builder from the same goals as its parts."""
    folder = tmp_path_factory.mktemp('builder') / 'data'
    with Server(folder, '--speed', '30', profile=None, command='demo') as server:
        yield server


def matches(server):
    return [e['event_id'] for e in server.get('/v1/events').json['events'] if 'scoreboard' in e]


def slip(event, part):
    market, selection = part
    return {'market_id': f"{event}/{market.replace('%2B', '+')}", 'selection_id': selection,
            'odds': 1.01, 'odds_version': 1, 'price_policy': 'any'}


def placed(customer, event, part):
    """The accepted bet, or None: a goal in its delay, a market that is suspended, refuse it."""
    answer = customer.place({**slip(event, part), 'stake': 10, 'currency': 'GBP'})
    if answer.status not in (201, 202):
        return None
    def decided():
        bet = customer.read(answer.json['bet_id'])
        return bet if bet['status'] != 'PENDING' else None
    bet = until(decided)
    return bet if bet['status'] != 'NOT_ACCEPTED' else None


def test_a_joint_price_is_paid_when_every_part_wins(demo):
    customer = Bettor(demo)
    def take():
        for event in matches(demo)[::-1]:
            bets = [placed(customer, event, part) for part in (JOINT, *PARTS)]
            if all(bets):
                return event, bets
        return None
    event, bets = until(take, 60)
    legs = [{k: v for k, v in slip(event, part).items() if k != 'price_policy'} for part in PARTS]
    refused = customer.place({'type': 'multiple', 'legs': legs, 'stake': 10, 'currency': 'GBP',
                              'price_policy': 'any'})
    assert (refused.status, refused.code) in ((422, 'RELATED_LEGS'), (409, 'MARKET_SUSPENDED'),
                                              (409, 'MARKET_CLOSED'))

    def ended():
        joint, *parts = now = [customer.read(bet['bet_id']) for bet in bets]
        alike = (joint['status'] == 'WON') == all(part['status'] == 'WON' for part in parts)
        return now if alike and all(bet['status'] in ('WON', 'LOST') for bet in now) else None
    # Now and then a simulated result is mistaken at first, and corrected seconds later.
    joint, *_ = until(ended, 90, 0.2)
    assert joint['payout'] == (10 * joint['odds'] if joint['status'] == 'WON' else 0)
