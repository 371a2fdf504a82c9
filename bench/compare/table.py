"""The table of a comparison, as Markdown, and what the specification claims beside it."""

# Stated prices; the hours of one virtual processor, and a month of a gigabyte.
VCPU_HOUR_USD = 0.045


def cell(value, unit=''):
    if value is None:
        return '-'
    if isinstance(value, float):
        value = f'{value:,.0f}' if abs(value) >= 100 else f'{value:.3g}'
    return f'{value}{unit}'


def row(*cells):
    return '| ' + ' | '.join(str(c) for c in cells) + ' |\n'


def days_table(found):
    out = row('contender', 'users', 'bets/s', 'p50 ms', 'p95 ms', 'p99 ms', 'failed %',
              'ODDS_CHANGED %', 'seen p50 ms', 'seen p99 ms', 'two bets of one key',
              'processor ms a bet', 'transactions/s of the database')
    out += row(*['---'] * 13)
    for told in found.values():
        for day in told['days']:
            if 'why' in day:
                out += row(told['title'], day['users'], f'broken: {day["why"]}', *[''] * 10)
                continue
            work = day['database']
            out += row(told['title'], f'{day["users"]}{" (breaks)" if day["broken"] else ""}',
                       cell(day['bets_per_s']), cell(day['p50_ms']), cell(day['p95_ms']),
                       cell(day['p99_ms']), cell(day['failed_percent']),
                       cell(day['odds_changed_percent']), cell(day['seen_p50_ms']),
                       cell(day['seen_p99_ms']), day['duplicates'],
                       cell(day['cpu_ms_per_bet']),
                       cell(work and work[0] / told['seconds']))
    return out


def breaks_at(told):
    return next((day['users'] for day in told['days'] if day['broken']), None)


def once_table(found):
    out = row('', *(told['title'] for told in found.values()))
    out += row(*['---'] * (1 + len(found)))
    most = max(day['users'] for told in found.values() for day in told['days'])
    out += row('breaks at users', *(breaks_at(t) or f'not up to {most}' for t in found.values()))
    out += row('highest bets/s', *(cell(t['throughput']['bets_per_s']) for t in found.values()))
    out += row('processor seconds of a million bets', *(
        cell(1000 * t['throughput'].get('cpu_ms_per_bet', 0)) for t in found.values()))
    out += row(f'of {VCPU_HOUR_USD} USD an hour, USD', *(
        cell(1000 * t['throughput'].get('cpu_ms_per_bet', 0) / 3600 * VCPU_HOUR_USD)
        for t in found.values()))
    for n, count in enumerate(next(iter(found.values()))['settled']):
        def said(told, n=n):
            one = told['settled'][n]
            if one.get('seconds') is not None:
                return f'{one["seconds"]} s ({one["per_s"]}/s)'
            return f'{one["per_s"]}/s: some {one.get("seconds_projected")} s'
        out += row(f'{count["asked"]:,} bets settled in', *(said(t) for t in found.values()))
    return out


def ratio(over, under):
    return f'{over / under:,.1f}x' if under else '-'


def same_day(found, name):
    """The largest day that both V0 and this contender had without breaking."""
    naive = {d['users']: d for d in found['naive']['days'] if not d['broken']}
    other = {d['users']: d for d in found[name]['days'] if not d['broken']}
    both = sorted(set(naive) & set(other))
    return (naive[both[-1]], other[both[-1]]) if both else None


def claims_table(found):
    out = row('claimed of V1 against V0', *(f'measured, {found[n]["title"]}'
                                            for n in ('embedded', 'distributed')))
    out += row('---', '---', '---')
    cells = {'throughput': [], 'latency': [], 'refused': [], 'fresh': []}
    for name in ('embedded', 'distributed'):
        pair, best = same_day(found, name), found[name]['throughput']['bets_per_s']
        cells['throughput'].append(ratio(best, found['naive']['throughput']['bets_per_s']))
        naive, other = pair if pair else (None, None)
        cells['latency'].append('-' if not pair else
                                f'{ratio(naive["p99_ms"], other["p99_ms"])} '
                                f'(p99, {naive["users"]} users)')
        cells['refused'].append('-' if not pair else
                                f'{naive["odds_changed_percent"]} % to '
                                f'{other["odds_changed_percent"]} %')
        cells['fresh'].append('-' if not pair else
                              f'{ratio(naive["seen_p50_ms"], other["seen_p50_ms"])} (median)')
    for title, key in (('100x throughput', 'throughput'), ('10x lower latency', 'latency'),
                       ('refusals ODDS_CHANGED from 10-20 % to under 2 %', 'refused'),
                       ('60x fresher odds', 'fresh')):
        out += row(title, *cells[key])
    return out


def write(found, machine, when):
    return (f'# V0 and V1 under the same bettors\n\n{when}, {machine}. Contenders and generator '
            'share the machine.\n\n## Claimed and measured\n\n' + claims_table(found) +
            '\n## Of each\n\n' + once_table(found) + '\n## Match days\n\n' + days_table(found))
