"""Match days (`overround load world`): the same bettors at each of the contenders."""
import itertools
import json
import os
import subprocess

import load_of
from contenders import PROGRAM, Trouble, metric

RUNS = itertools.count(1)
BROKEN_P99_US = 1_000_000
BROKEN_FAILED_PERCENT = 5
OBJECTIVES_MS = {'poll_p99_ms': 200, 'p99_ms': 500}  # V0-22
PROGRAMS = ('naive', 'book', 'front')                # the others are engines
WARMUP_S = 3
GOAL_MS = 15000  # in each match: a day is short, and shall have some
MOVES_MS = 2000  # of a volatile day: as often as after a goal, all the time
HURRY_MS = 1     # of a day of retries: who is impatient sends again at once


def words_of(contender, users, seconds, options):
    words = [word for key, value in options.items() for word in (f'--{key}'.replace('_', '-'),
                                                                 str(value))]
    return [PROGRAM, 'load', 'world', '--data', contender.keys, '--url', contender.url,
            '--admin-url', contender.admin, '--bettors', contender.bettors, '--users', str(users),
            '--seconds', str(seconds), '--warmup', str(WARMUP_S), '--deposit', '10000.00',
            '--phases', 'on', '--user-prefix', f'day{next(RUNS)}',
            *([] if 'goal_ms' in options else ['--goal-ms', str(GOAL_MS)]), *words]


def day(contender, users, seconds, **options):
    """The report, with what the contender spent in the seconds that the report is of."""
    meter, last = load_of.Meter(contender), ''
    with subprocess.Popen(words_of(contender, users, seconds, options), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as player:
        try:
            for line in player.stderr:
                if line == 'measuring\n':
                    meter.begin()
                elif line == 'measured\n':
                    meter.end()
                else:
                    last = line.strip() or last
            text = player.stdout.read()
        except Trouble:
            player.terminate()
            raise
    if player.returncode != 0 or meter.spent is None:
        return {'users': users, 'ended': last[-300:]}
    return {**json.loads(text), 'spent': meter.spent}


def failed_percent(report):
    bets = report['bets']
    asked = bets['answered'] + bets['lost']
    return 100 * bets['failed'] / asked if asked else 0.0


def is_broken(report):
    """Nobody would bet here: no answer, or none within a second for one of a hundred."""
    return 'ended' in report or failed_percent(report) > BROKEN_FAILED_PERCENT or \
        report['bets']['latency_us']['p99'] > BROKEN_P99_US


def per_second(report, kind='bets'):
    return report[kind]['succeeded'] / report['seconds']


def latency(told, prefix, histogram, names=('p50', 'p95', 'p99')):
    for name in names:
        told[f'{prefix}{name}_ms'] = histogram[name] / 1000


def database_of(report):
    """By the second and by the bet; None: no database."""
    spent, placed = report['spent'], max(1, report['bets']['succeeded'])
    if 'database' not in spent:
        return None
    work, seconds = spent['database'], spent['seconds']
    told = {f'{name}_per_s': round(work[name] / seconds, 1)
            for name in ('transactions', 'rows_read', 'rows_written')}
    told['wal_bytes_per_bet'] = round(work['wal_bytes'] / placed)
    told['cpu_ms_per_bet'] = round(1000 * spent['cpu_s']['postgres'] / placed, 3)
    told['polling_percent'] = load_of.polling_share(spent)
    told['statement_ms'] = {name: load_of.mean_ms(spent, name) for name in spent['statements']}
    return told


def misses_objectives(told):
    """Of who polls: both."""
    return 'why' in told or any(told[name] > most for name, most in OBJECTIVES_MS.items())


def processors_of(report):
    """Percent of the machine's processors: of the contender, its engines, the generator, nobody."""
    spent = report['spent']
    whole = spent['seconds'] * os.cpu_count()
    own = sum(s for name, s in spent['cpu_s'].items() if name in PROGRAMS)
    parts = {'program': own, 'engines': sum(spent['cpu_s'].values()) - own,
             'generator': report['generator']['cpu_share'] * report['seconds'],
             'idle': spent['idle_s']}
    return {name: round(100 * seconds / whole, 1) for name, seconds in parts.items()}


def summary(report):
    """What the tables have of a day."""
    if 'ended' in report:
        return {'users': report['users'], 'broken': True, 'why': report['ended']}
    bets, cpu = report['bets'], report['spent']['cpu_s']
    told = {'users': report['users'], 'broken': is_broken(report),
            'bets_asked_per_s': round(bets['sent'] / report['seconds'], 1),
            'bets_per_s': round(per_second(report), 1),
            'polls_per_s': round(per_second(report, 'polls'), 1),
            'failed_percent': round(failed_percent(report), 2),
            'odds_changed_percent': report['odds_changed_percent'],
            'duplicates': report['duplicates'], 'retries': report['retries'],
            'goals': report['goals'], 'not_offered': report['not_offered'],
            'busiest_s': max(s['bets'] for s in report['series']),
            'cpu_s': cpu, 'database': database_of(report),
            'cpu_ms_per_bet': round(1000 * sum(cpu.values()) / max(1, bets['succeeded']), 3),
            'processors_percent': processors_of(report),
            'generator_late_p99_ms': report['generator']['own_late_us']['p99'] / 1000,
            'generator_saturated': report['generator']['saturated']}
    told['requests_per_s'] = round(sum(per_second(report, kind)
                                       for kind in ('bets', 'polls', 'balances')), 1)
    latency(told, '', bets['latency_us'])
    latency(told, 'poll_', report['polls']['latency_us'])
    latency(told, 'balance_', report['balances']['latency_us'])
    latency(told, 'seen_', report['sight_us'], ('p50', 'p99', 'max'))
    return told


def hits_percent(contender, before):
    """Of balances asked of the session cache since; None: nobody asked."""
    hit, miss = (metric(contender, f'overround_naive_sessions_total{{outcome="{name}"}}') - then
                 for name, then in zip(('hit', 'miss'), before))
    return round(100 * hit / (hit + miss), 2) if hit + miss else None


def until_it_breaks(contender, users, seconds, say):
    """A day for each number of users; the first that breaks it is the last."""
    found = []
    for count in users:
        found.append(summary(day(contender, count, seconds)))
        say(f'{contender.title}: {count} users', found[-1])
        if found[-1]['broken']:
            break
    return found


def hard(contender, users, seconds, say):
    """Days that show one thing: prices that move all the time, and bettors who send again."""
    plans = {'volatile': {'calm_ms': MOVES_MS, 'volatile_ms': MOVES_MS},
             'retries': {'bet_ms': 2000, 'timeout_ms': HURRY_MS}}
    if contender.bettors == 'stream':
        plans['volatile_exact'] = {**plans['volatile'], 'policy': 'exact'}
    found = {}
    for name, options in plans.items():
        found[name] = summary(day(contender, users, seconds, **options))
        say(f'{contender.title}: {name}, {users} users', found[name])
    return found


def throughput(contender, offers, seconds, say):
    """The most bets a second that were placed, over rising offers; each bettor bets ten times a
    second and sees prices as ever."""
    best = {'bets_per_s': 0.0}
    for offered in offers:
        told = summary(day(contender, max(10, offered // 10), seconds, bet_ms=100, balance_ms=0,
                           leave_ms=0, goal_ms=600000))
        told['offered_per_s'] = offered
        say(f'{contender.title}: {offered} bets/s offered', told)
        if told.get('bets_per_s', 0) > best['bets_per_s']:
            best = told
        if told['broken'] or told['bets_per_s'] < 0.7 * offered:
            break
    return best
