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


def records(*source):
    """What `overround ledger dump` says of a log: ('--data', DIR) or ('--ledger', URL, …)."""
    for line in run('ledger', 'dump', *source).stdout.splitlines():
        yield json.loads(line, parse_float=Decimal)


def totals_by_ledger(server):
    return {'GBP': sums(records('--data', server.data))}


def sums(rows):
    """(bets, stake, payout) of records."""
    bets_count, stake, payout, pending, stakes = 0, 0, 0, set(), {}
    for record in rows:
        kind, bet = record['type'], record.get('bet_id')
        if kind == 'BET' and bet:
            stakes[bet] = record['stake']
            if record['outcome'] == 'PENDING':
                pending.add(bet)
        if kind == 'BET' and bet and bet not in pending or \
                kind == 'RELEASE' and record['outcome'] == 'PLACED':
            bets_count, stake = bets_count + 1, stake + stakes[bet]
        if kind == 'SETTLE':
            payout += record['payout']
        if kind == 'REVERSE':
            payout -= record['payout']
        if kind == 'CASH_OUT' and record['outcome'] == 'PLACED':
            payout += record['paid']
    return bets_count, stake, payout


def told_of(rows, shard=0):
    """{(seq, event_id)} of all records that move a bet."""
    events, of_bet = set(), {}
    for record in rows:
        kind, bet = record['type'], record.get('bet_id')
        if kind == 'BET' and bet:
            of_bet[bet] = {leg['event_id'] for leg in record['legs']}
        if (kind == 'BET' and bet or kind in ('SETTLE', 'REVERSE') or
                kind == 'RELEASE' and record['outcome'] != 'PENDING' or
                kind == 'CASH_OUT' and record['outcome'] == 'PLACED'):
            events |= {(f"{shard}-{record['seq']}", event) for event in of_bet[bet]}
    return events


def seen(lines):
    found = [(line['seq'], line['key']) for line in lines]
    assert len(set(found)) == len(found), 'an event twice'
    return set(found)


def stop_and_dump(told):
    assert told.server.terminate() == 0
    wanted = totals_by_ledger(told.server)
    notices = {seq for seq, kind in moved(told.server)
               if kind in ('SETTLE', 'REVERSE', 'CASH_OUT')}
    told.server.start()
    again(told)
    return wanted, notices


def moved(server):
    for record in records('--data', server.data):
        if record['type'] != 'CASH_OUT' or record['outcome'] == 'PLACED':
            yield f"0-{record['seq']}", record['type']


def notified(receiver, notices, seconds=90):
    """All of these, and nothing else; repeats are those that came more than once."""
    until(lambda: set(receiver.seqs()) >= notices, seconds, 0.2)
    more = set(receiver.seqs()) - notices
    assert not more, [notice for notice in receiver.taken if notice['seq'] in more][:3]
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
