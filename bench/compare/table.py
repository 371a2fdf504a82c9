"""The page of a comparison, as Markdown: what is claimed of V1, what each contender did, what the
specification says of V0, and what these figures do not say."""
import points
from words import cell, row

CLAIMS_OF = ('embedded', 'distributed')

NOTES = '''
## How it was measured

- Contenders, engines and generator share one machine and its loopback; a network adds its own.
  The generator goes before (the others are as nice as can be), so it is on time, and a contender
  near its limit has what the generator leaves: see *Where the processors went*. A day whose
  generator was late nevertheless (by more than 5 ms and a third of the bets' p99) is marked. Most
  of the generator's time is the kernel's, for a write and a read of each request.
- The generator is open loop: what is due is sent when it is due and measured from then, whether or
  not answers came. The same seed gives each contender the same bettors, goals and moves. V0's
  bettors poll each 3 s; V1's have a stream. There are ten matches, half of the bettors watch one of
  them, and each has a goal every {goal_s:g} s: then it stands for 3 s, and bets come 15 times as
  often for a second. *Busiest second* is how many were asked for in one. Who *saw no price*,
  because his market stood or he did not yet know that it goes on, did not bet: so V0, whose
  bettors know it late, is asked for fewer bets by the same bettors.
- *Breaks*: p99 of bets above {p99:g} s, or more than {failed} % of bets failed (5xx, 429 or no
  answer). Tried were {users} users; the true limit lies between the last that was carried and the
  first that was not. Near it a day is a matter of luck: when bets that wait for one market's row
  hold all connections to the database, bettors see old prices, bet on them, and send again.
  Each user has a connection, and so an open file of the generator and of the contender: {files:,}
  may be open here, and more than {most:,} users were not tried.
- Processor time is that of all processes of a contender with its engines, in the seconds that are
  measured; polls, streams and prices are in it, and not only bets. So it is high a bet where bets
  are few.
- *Where the processors went* has processes; what is missing of a hundred is the kernel's own work
  for network and disk, waiting for the disk, and what the host took.
- All are durable: PostgreSQL with its fsync, the book's log with its own. Limits of requests are
  off: V1 runs with `--profile bench`, V0 with `--bets-per-minute 0`.
- PostgreSQL has `pg_stat_statements` for both contenders that have one, and 32 MB of shared
  buffers.
- Cost by the list: {vcpu} USD for an hour of one virtual processor, {gb} USD for a gigabyte kept
  for a month; nothing for networks, people, idle machines or second copies. It compares, and is no
  bill.
- V0's bets that are settled are put there by SQL, V1's are placed through its API. Who is not
  through after {patience} s has a time that follows from its rate.
- *Sent again*: a day of bettors who send a bet once more, under its key, when no answer came within
  some milliseconds; on the other days nobody has reason to.

## What it does not say

- One small machine is no data centre. Where a contender did not break, its limit is not known from
  here; and the highest bets/s is what it places beside a generator that takes processors as well.
- V0 is a competent program (decision 0018): its loop, parser and statements are better than what
  the specification assumed when it gave it milliseconds by the dozen. So ratios of latency are
  smaller than claimed where V0 is not at its limit: what a bet waits for is a disk then, with
  either.
- A day lasts {seconds} s. Nothing is said of vacuum, growth of indexes, failover or a second
  machine.
- V1 refuses less for two reasons: prices come at once, and its bettors take a better price
  (`price_policy` better). The rows "exact" of the volatile days have the first reason alone.
'''


def days_table(found):
    out = row('contender', 'users', 'bets/s', 'busiest second', 'saw no price', 'p50 ms', 'p95 ms',
              'p99 ms', 'failed %', 'ODDS_CHANGED %', 'seen p50 ms', 'seen p99 ms',
              'processor ms a bet')
    out += row(*['---'] * 13)
    for told in found.values():
        for day in told['days']:
            out += day_row(told['title'], f'{day["users"]:,}', day)
    return out


def day_row(title, name, day):
    if 'why' in day:
        return row(title, name, f'broken: {day["why"]}', *[''] * 10)
    marks = ' (breaks)' * day['broken'] + ' (generator late)' * day['generator_saturated']
    return row(title, name + marks, *(cell(day[key]) for key in (
        'bets_per_s', 'busiest_s', 'not_offered', 'p50_ms', 'p95_ms', 'p99_ms', 'failed_percent',
        'odds_changed_percent', 'seen_p50_ms', 'seen_p99_ms', 'cpu_ms_per_bet')))


def hard_table(found):
    out = row('contender', 'day', 'bets/s', 'busiest second', 'saw no price', 'p50 ms', 'p95 ms',
              'p99 ms', 'failed %', 'ODDS_CHANGED %', 'seen p50 ms', 'seen p99 ms',
              'processor ms a bet')
    out += row(*['---'] * 13)
    for told in found.values():
        for name, title in (('volatile', 'volatile'), ('volatile_exact', 'volatile, exact')):
            if name in told['hard']:
                out += day_row(told['title'], title, told['hard'][name])
    return out


def database_table(found):
    out = row('contender', 'users', 'transactions/s', 'rows read/s', 'rows written/s',
              'log bytes a bet', 'processor ms of PostgreSQL a bet', 'of its time, polling %')
    out += row(*['---'] * 8)
    for told in found.values():
        for day in told['days']:
            work = day.get('database')
            if work:
                out += row(told['title'], f'{day["users"]:,}', *(cell(work[key]) for key in (
                    'transactions_per_s', 'rows_read_per_s', 'rows_written_per_s',
                    'wal_bytes_per_bet', 'cpu_ms_per_bet', 'polling_percent')))
    return out


def processors_table(found):
    out = row('contender', 'users', 'its program %', 'its engines %', 'generator %', 'idle %',
              'generator late p99 ms')
    out += row(*['---'] * 7)
    for told in found.values():
        for day in told['days']:
            if 'processors_percent' in day:
                out += row(told['title'], f'{day["users"]:,}', *(
                    cell(day['processors_percent'][name])
                    for name in ('program', 'engines', 'generator', 'idle')),
                    cell(day['generator_late_p99_ms']))
    return out


def usd_of_million(told, day, prices):
    """Processor time of a million bets as on that day, and a month of keeping them."""
    if not day or 'cpu_ms_per_bet' not in day:
        return None
    return 1000 * day['cpu_ms_per_bet'] / 3600 * prices['vcpu_hour_usd'] + \
        1e6 * (points.bytes_per_bet(told) or 0) / 1e9 * prices['gb_month_usd']


def shared_day(found):
    """The most users that none broke under, or None."""
    counts = [{d['users'] for d in told['days'] if not d['broken']} for told in found.values()]
    both = set.intersection(*counts)
    return max(both) if both else None


def retries_cell(told):
    day = told['hard']['retries']
    if 'why' in day:
        return f'broken: {day["why"]}'
    return f'{day["duplicates"]:,} of {day["retries"]:,}'


def once_table(found, prices):
    out = row('', *(told['title'] for told in found.values()))
    out += row(*['---'] * (1 + len(found)))
    users = shared_day(found)
    out += row('users that break it', *(points.limit(t) for t in found.values()))
    out += row('users with whom bets wait above 500 ms or polls above 200 ms, p99', *(
        points.missed_from(t) for t in found.values()))
    out += row('highest bets/s placed', *(cell(t['throughput']['bets_per_s'])
                                          for t in found.values()))
    out += row('processor ms a bet then', *(cell(t['throughput'].get('cpu_ms_per_bet'))
                                            for t in found.values()))
    if users is not None:
        out += row(f'USD of a million bets, as with {users:,} users', *(
            cell(usd_of_million(t, points.of_users(t, users), prices)) for t in found.values()))
    out += row('USD of a million bets, at its highest', *(
        cell(usd_of_million(t, t['throughput'], prices)) for t in found.values()))
    out += row('bytes kept of a bet', *(cell(points.bytes_per_bet(t)) for t in found.values()))
    for n, one in enumerate(next(iter(found.values()))['settled']):
        out += row(f'{one["asked"]:,} bets settled in', *(
            points.settled_in(t['settled'][n]) for t in found.values()))
    out += row('bets sent again that were placed twice', *(retries_cell(t)
                                                           for t in found.values()))
    return out


def ratio(over, under):
    return f'{over / under:,.1f}x' if under else '-'


def claim_cells(found, name):
    """{claim: measured} of one contender against V0."""
    naive, other, users = found['naive'], found[name], shared_day(found)
    day, own = (points.of_users(t, users) for t in (naive, other))
    hard, own_hard = naive['hard']['volatile'], other['hard']['volatile']
    told = {'throughput': ratio(other['throughput']['bets_per_s'],
                                naive['throughput']['bets_per_s']) +
            f' ({cell(naive["throughput"]["bets_per_s"])} to '
            f'{cell(other["throughput"]["bets_per_s"])} bets/s)'}
    if day and own:
        told['latency'] = (f'{ratio(day["p99_ms"], own["p99_ms"])} p99, '
                           f'{ratio(day["p50_ms"], own["p50_ms"])} p50 ({users:,} users: '
                           f'{cell(day["p99_ms"])} to {cell(own["p99_ms"])} ms p99)')
        told['fresh'] = (f'{ratio(day["seen_p50_ms"], own["seen_p50_ms"])} p50, '
                         f'{ratio(day["seen_p99_ms"], own["seen_p99_ms"])} p99')
        told['refused'] = f'{day["odds_changed_percent"]} % to {own["odds_changed_percent"]} %'
    if 'why' not in hard and 'why' not in own_hard:
        told['volatile'] = (f'{hard["odds_changed_percent"]} % to '
                            f'{own_hard["odds_changed_percent"]} %')
    return told


CLAIMS = (('100x throughput', 'throughput'), ('10x lower latency of bets', 'latency'),
          ('60x fresher odds', 'fresh'),
          ('refusals ODDS_CHANGED from 10-20 % to under 2 %', 'refused'),
          ('the same, while prices move all the time', 'volatile'))


def claims_table(found):
    out = row('claimed of V1 against V0', *(f'measured, {found[n]["title"]}' for n in CLAIMS_OF))
    out += row('---', '---', '---')
    cells = [claim_cells(found, name) for name in CLAIMS_OF]
    for title, key in CLAIMS:
        out += row(title, *(told.get(key, '-') for told in cells))
    return out


def later(more):
    """Of a run that was continued."""
    users = ', '.join(f'{n:,}' for n in more['users'])
    return (f' Days of {users} users were added by `--continue`, {more["date"]}, commit '
            f'{more["commit"]}.')


def write(run, picture):
    """`run`: what compare.json holds; `picture`: where the SVG is, from the page."""
    found = run['found']
    rules = {**run['rules'], 'users': ', '.join(f'{n:,}' for n in run['plan']['users']),
             'seconds': run['plan']['seconds'], 'vcpu': run['prices']['vcpu_hour_usd'],
             'gb': run['prices']['gb_month_usd'], 'files': run['open_files'],
             'most': max(run['plan']['users'])}
    parts = (('Claimed and measured', claims_table(found)),
             ('Of each', once_table(found, run['prices'])),
             ('Match days', days_table(found)),
             (f'Days of {run["plan"]["hard_users"]:,} users while prices move all the time',
              hard_table(found)),
             ('Where the processors went', processors_table(found)),
             ('What PostgreSQL did', database_table(found)),
             ('What is said of V0, and what it did', points.table(found['naive'])))
    return (f'# V0 and V1 under the same bettors\n\nWritten by `overround compare`'
            f'{" --quick" if run["quick"] else ""}, {run["date"]}, commit {run["commit"]}, in '
            f'{run["took_s"] / 60:.0f} minutes, on {run["machine"]}.'
            f'{"".join(later(more) for more in run.get("continued", []))}\n\n'
            f'![What bettors wait for and see]({picture})\n' +
            ''.join(f'\n## {title}\n\n{text}' for title, text in parts) +
            NOTES.format(**rules))
