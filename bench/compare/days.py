"""Match days (`overround load world`): the same bettors at each of the contenders."""
import itertools
import json
import subprocess

from contenders import PROGRAM

RUNS = itertools.count(1)
BROKEN_P99_US = 1_000_000
BROKEN_FAILED_PERCENT = 5


def day(contender, users, seconds, **options):
    """The report, with what it cost: processor seconds by process, and the database's work."""
    words = [word for key, value in options.items() for word in (f'--{key}'.replace('_', '-'),
                                                                 str(value))]
    cpu, database = contender.cpu_seconds(), contender.database()
    done = subprocess.run(
        [PROGRAM, 'load', 'world', '--data', contender.keys, '--url', contender.url,
         '--admin-url', contender.admin, '--bettors', contender.bettors, '--users', str(users),
         '--seconds', str(seconds), '--warmup', '4', '--deposit', '10000.00', '--user-prefix',
         f'day{next(RUNS)}', *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return {'users': users, 'ended': done.stderr.strip()[-300:]}
    report = json.loads(done.stdout)
    report['cpu_s'] = {name: round(now - cpu.get(name, 0), 2)
                       for name, now in contender.cpu_seconds().items()}
    after = contender.database()
    if database is not None:
        report['database'] = [now - then for now, then in zip(after, database)]
    return report


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


def summary(report):
    """What the table has of a day."""
    if 'ended' in report:
        return {'users': report['users'], 'broken': True, 'why': report['ended']}
    bets, late = report['bets'], report['bets']['latency_us']
    spent = sum(report['cpu_s'].values())
    return {'users': report['users'], 'broken': is_broken(report),
            'bets_per_s': round(per_second(report), 1),
            'polls_per_s': round(per_second(report, 'polls'), 1),
            'p50_ms': late['p50'] / 1000, 'p95_ms': late['p95'] / 1000,
            'p99_ms': late['p99'] / 1000, 'failed_percent': round(failed_percent(report), 2),
            'odds_changed_percent': report['odds_changed_percent'],
            'seen_p50_ms': report['sight_us']['p50'] / 1000,
            'seen_p99_ms': report['sight_us']['p99'] / 1000,
            'duplicates': report['duplicates'], 'retries': report['retries'],
            'cpu_s': report['cpu_s'], 'database': report.get('database'),
            'cpu_ms_per_bet': round(1000 * spent / max(1, bets['succeeded']), 3),
            'generator_saturated': report['generator']['saturated']}


def until_it_breaks(contender, users, seconds, say):
    """A day for each number of users; the first that breaks it is the last."""
    found = []
    for count in users:
        found.append(summary(day(contender, count, seconds)))
        say(f'{contender.title}: {count} users', found[-1])
        if found[-1]['broken']:
            break
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
