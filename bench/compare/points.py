"""What the specification says of V0 (docs/CHECKLIST.md, V0-n) beside what was measured of it."""
from days import misses_objectives
from words import cell, row

DAYS_OF_YEAR, DAYS_OF_MONTH = 365, 30
BILL_USD = {'database': 350, 'session cache': 150, 'three pods': 200, 'load balancer': 30}
BIGGER_DATABASE_USD = 700
POLL_S, BET_S = 3, 15


def of_users(told, users):
    """The day with so many users, or None."""
    return next((d for d in told['days'] if d['users'] == users and 'why' not in d), None)


def carried(told):
    """The largest day that did not break it, or None."""
    return next((d for d in reversed(told['days']) if not d['broken']), None)


def breaks_at(told):
    return next((d['users'] for d in told['days'] if d['broken']), None)


def limit(told):
    """In words: how many users break it."""
    at, best = breaks_at(told), carried(told)
    if at is None:
        return f'not up to {best["users"]:,}'
    late = ', the generator late' * told['days'][-1].get('generator_saturated', False)
    return f'{at:,}{late}' + (f' (carried {best["users"]:,})' if best else '')


def missed_from(told):
    """In words: with how many users the objectives are missed."""
    at = next((d['users'] for d in told['days'] if misses_objectives(d)), None)
    return f'{at:,}' if at else f'not up to {told["days"][-1]["users"]:,}'


def settled(told, count):
    return next((s for s in told['settled'] if s['asked'] == count), None)


def settled_in(one):
    if one.get('seconds') is not None:
        return f'{one["seconds"]} s ({one["per_s"]:,}/s)'
    return f'{one["per_s"]:,}/s, so some {one["seconds_projected"]:,} s'


def bytes_per_bet(told):
    """Of the largest number of bets: the least rounding."""
    return told['settled'][-1]['kept_bytes_per_bet'] if told['settled'] else None


def load_rows(told):
    for day in told['days']:
        if 'why' not in day:
            yield ('V0-33', f'{day["users"]:,} users: polls/s, bets asked for/s',
                   f'{day["users"] / POLL_S:,.0f}, {day["users"] / BET_S:,.0f}',
                   f'{cell(day["polls_per_s"])}, {cell(day["bets_asked_per_s"])}')


def timing_rows(told):
    day = carried(told)
    if day is None:
        return
    of, n = day['database']['statement_ms'], f'{day["users"]:,} users'
    yield ('V0-36', f'SELECT of odds, in the database, {n}', '~15 ms', cell(of.get('poll'), ' ms'))
    yield ('V0-36', 'FOR UPDATE of the market', '~15 ms', cell(of.get('lock'), ' ms'))
    yield ('V0-36', 'INSERT and debit, without what COMMIT waits for the disk', '~75 ms', cell(sum(
        of.get(name) or 0.0 for name in ('insert', 'debit')), ' ms'))
    yield ('V0-36', 'a bet, asked for to answered, p50', '~100 ms', cell(day['p50_ms'], ' ms'))
    yield ('V0-22', f'poll p99, bet p99, {n}', '< 200 ms, < 500 ms',
           f'{cell(day["poll_p99_ms"])} ms, {cell(day["p99_ms"])} ms')
    yield ('V0-9', 'balance p50; hits of the session cache over all days', '~2 ms; > 95 %',
           f'{cell(day["balance_p50_ms"])} ms; {cell(told["session_hits_percent"])} %')


def settlement_rows(told):
    for one in told['settled']:
        n = one['asked']
        yield ('V0-7, 40', f'{n:,} bets settled in', f'~{n / 1000:,.0f} s (~1 ms each); 10 min',
               settled_in(one))


def price_rows(told):
    hard = told['hard']['volatile']
    if 'why' not in hard:
        yield ('V0-42', 'age of what is seen, when prices move all the time: p50, p99, most',
               'up to 3 s', ', '.join(f'{hard[f"seen_{n}_ms"] / 1000:.2f} s'
                                      for n in ('p50', 'p99', 'max')))
        yield ('V0-42', 'bets refused ODDS_CHANGED then', '10-20 %, above 20 % possible',
               f'{hard["odds_changed_percent"]} %')


def first_users(told, holds):
    at = next((d['users'] for d in told['days'] if 'why' not in d and holds(d)), None)
    return f'from {at:,} users' if at else f'not up to {told["days"][-1]["users"]:,} users'


def ceiling_rows(told):
    day = carried(told)
    if day is not None:
        yield ('V0-43', 'requests/s carried (of which bets)', '~500 (elsewhere ~2,000)',
               f'{cell(day["requests_per_s"])} ({cell(day["bets_per_s"])})')
        yield ('V0-43', 'odds, bet: p50 to p99', '50-200 ms, 100-300 ms',
               f'{cell(day["poll_p50_ms"])} to {cell(day["poll_p99_ms"])} ms, '
               f'{cell(day["p50_ms"])} to {cell(day["p99_ms"])} ms')
        yield ('V0-43', 'bets that failed then', '~1 % (99 % available)',
               f'{day["failed_percent"]} %')
    yield ('V0-44', 'users that break it', '2,000-3,000; ceiling 3,000-5,000', limit(told))
    yield ('V0-44', 'users with whom V0-22 is missed', '', missed_from(told))
    if told['days'][-1]['broken'] and 'processors_percent' in told['days'][-1]:
        yield ('V0-44', 'of the processors then: V0, its engines, generator, idle', '', ', '.join(
            f'{share:g} %' for share in told['days'][-1]['processors_percent'].values()))
    yield ('V0-46', 'more than 60 % of the database\'s time is polling', '1,000-2,000 users',
           first_users(told, lambda d: d['database']['polling_percent'] > 60))
    yield ('V0-46', 'more than 5 % refused ODDS_CHANGED', '1,000-2,000 users',
           first_users(told, lambda d: d['odds_changed_percent'] > 5))


def growth_rows(told):
    size = bytes_per_bet(told)
    if size is None:
        return
    yield ('V0-45', '1,000 bets a day: growth in a month', '~150 MB',
           f'{1000 * DAYS_OF_MONTH * size / 1e6:,.1f} MB ({size:,} bytes a bet, with indexes)')
    day = carried(told)
    if day is not None:
        yield ('V0-43', f'growth in a year, two hours a day as with {day["users"]:,} users',
               '~50 GB',
               f'{day["bets_per_s"] * 7200 * DAYS_OF_YEAR * size / 1e9:,.1f} GB')


def balancer_rows(told):
    one = told['balancer']
    yield ('V0-35', 'load balancer: added to a read, p50', '~1.5 ms',
           f'{one["through_p50_ms"] - one["direct_p50_ms"]:.2f} ms '
           f'({cell(one["direct_p50_ms"])} to {cell(one["through_p50_ms"])})')
    yield ('V0-35', 'load balancer: requests/s carried', '6,000', f'{one["carried_per_s"]:,}')
    yield ('V0-35', 'in turn: of the first, of the second process', '50 %, 50 %',
           ', '.join(f'{share} %' for share in one['shares_percent']))


def bill_rows(told):
    total, day = sum(BILL_USD.values()), carried(told)
    bigger = total + BIGGER_DATABASE_USD - BILL_USD['database']
    parts = ', '.join(f'{what} {usd}' for what, usd in BILL_USD.items())
    if day is not None:
        yield ('V0-51', f'a month: {parts} USD', f'{total} USD',
               f'{total / day["users"]:.2f} USD a user, were this machine that bill\'s')
        yield ('V0-51', f'the same with a bigger database ({BIGGER_DATABASE_USD} USD)',
               f'{bigger} USD', f'{bigger / day["users"]:.2f} USD a user, if it carries no more')


def table(told):
    out = row('point', 'what', 'said', 'measured') + row(*['---'] * 4)
    for part in (load_rows, timing_rows, settlement_rows, price_rows, ceiling_rows, growth_rows,
                 balancer_rows, bill_rows):
        for cells in part(told):
            out += row(*cells)
    return out
