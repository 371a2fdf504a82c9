"""What a ledger says that bets came to, beside what followers of its stream made of them."""
import json
import os
from decimal import Decimal

from .load import Load
from .server import run
from .until import until


def totals_of(folder):
    """{currency: (bets, stake, payout)} over all partitions' files."""
    sums = {}
    for name in os.listdir(folder):
        if name.endswith(('.lock', '.part')):
            continue
        with open(os.path.join(folder, name), encoding='utf-8') as file:
            for line in file:
                row = json.loads(line, parse_float=Decimal)
                if 'market_id' in row:
                    bets, stake, payout = sums.get(row['currency'], (0, 0, 0))
                    sums[row['currency']] = (bets + row['placed'], stake + row['stake'],
                                             payout + row['payout'])
    return sums


def totals_by_ledger(server):
    bets, stake, payout, pending, stakes = 0, 0, 0, set(), {}
    for line in run('ledger', 'dump', '--data', server.data).stdout.splitlines():
        record = json.loads(line, parse_float=Decimal)
        kind, bet = record['type'], record.get('bet_id')
        if kind == 'BET' and bet:
            stakes[bet] = record['stake']
            if record['outcome'] == 'PENDING':
                pending.add(bet)
        if kind == 'BET' and bet and bet not in pending or \
                kind == 'RELEASE' and record['outcome'] == 'PLACED':
            bets, stake = bets + 1, stake + stakes[bet]
        if kind == 'SETTLE':
            payout += record['payout']
        if kind == 'REVERSE':
            payout -= record['payout']
        if kind == 'CASH_OUT' and record['outcome'] == 'PLACED':
            payout += record['paid']
    return {'GBP': (bets, stake, payout)}


def stop_and_dump(told):
    assert told.server.terminate() == 0
    wanted = totals_by_ledger(told.server)
    notices = {seq for seq, kind in moved(told.server)
               if kind in ('SETTLE', 'REVERSE', 'CASH_OUT')}
    told.server.start()
    again(told)
    return wanted, notices


def moved(server):
    for line in run('ledger', 'dump', '--data', server.data).stdout.splitlines():
        record = json.loads(line)
        if record['type'] != 'CASH_OUT' or record['outcome'] == 'PLACED':
            yield f"0-{record['seq']}", record['type']


def notified(receiver, notices, seconds=90):
    """All of these, and nothing else; repeats are those that came more than once."""
    until(lambda: set(receiver.seqs()) >= notices, seconds, 0.2)
    assert set(receiver.seqs()) == notices
    return len(receiver.seqs()) - len(notices)


def bets(told, load, number, count=100):
    join = load.start(number)
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, 60)
    join()


def settle_all(told, market, load):
    before = told.server.metric('overround_settled_bets_total')
    told.feed.settle(market, [11])
    until(lambda: told.server.metric('overround_settled_bets_total') >=
          before + len(load.acknowledged), 60)


def again(book):
    book.feed.again()
