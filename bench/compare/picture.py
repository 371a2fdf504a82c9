"""One picture of a comparison, as SVG: what bettors of each contender wait for and see, what is
refused and what a bet takes, by the number of users. All axes are logarithmic; a day that broke its
contender is hollow."""
import math
from xml.sax.saxutils import escape

COLOURS = {'naive': '#b3261e', 'embedded': '#0b6e4f', 'distributed': '#2457a6'}
WIDTH, HEIGHT, LEFT, TOP, COLUMNS = 520, 240, 80, 40, 2
LEAST = 0.01  # what is below, and 0, stands there
PANELS = (('A bet, p99', 'ms', 'p99_ms'),
          ('From a move to its being seen, median', 'ms', 'seen_p50_ms'),
          ('Bets refused ODDS_CHANGED', '%', 'odds_changed_percent'),
          ('Processor time a bet, with polls and engines', 'ms', 'cpu_ms_per_bet'))


def scale(values, begin, end):
    low, high = (math.log10(v) for v in (min(values), max(values)))
    low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    return (lambda v: begin + (math.log10(v) - low) / (high - low) * (end - begin),
            [10 ** n for n in range(low, high + 1)])


def curve(name, rows, x, y):
    """`rows`: [(users, value, broken)]"""
    path = ' '.join(f'{"L" if n else "M"}{x(u):.1f} {y(v):.1f}'
                    for n, (u, v, _) in enumerate(rows))
    return (f'<path d="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>' +
            ''.join(f'<circle cx="{x(u):.1f}" cy="{y(v):.1f}" r="4" stroke="{COLOURS[name]}" '
                    f'stroke-width="2" fill="{"#fff" if broken else COLOURS[name]}"/>'
                    for u, v, broken in rows))


def panel(title, unit, curves, at):
    """`curves`: {name: rows}; `at`: the corner."""
    left, top, right = at[0] + LEFT, at[1] + TOP, at[0] + WIDTH - 20
    points = [point for rows in curves.values() for point in rows]
    x, x_ticks = scale([p[0] for p in points], left, right)
    y, y_ticks = scale([p[1] for p in points], top + HEIGHT, top)
    out = [f'<text x="{left}" y="{top - 16}" font-weight="600">{escape(title)}</text>']
    for tick in y_ticks:
        out.append(f'<line x1="{left}" x2="{right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" '
                   f'stroke="#ddd"/><text x="{left - 8}" y="{y(tick) + 4:.1f}" '
                   f'text-anchor="end">{tick:g} {unit}</text>')
    for tick in x_ticks:
        out.append(f'<text x="{x(tick):.1f}" y="{top + HEIGHT + 18}" '
                   f'text-anchor="middle">{tick:,g} users</text>')
    return ''.join(out + [curve(name, rows, x, y) for name, rows in curves.items()])


def draw(found):
    """`found`: {name: {'title':, 'days': [summary]}}"""
    body, tall = '', TOP + HEIGHT + 40
    for n, (title, unit, member) in enumerate(PANELS):
        curves = {name: [(d['users'], max(d[member], LEAST), d['broken']) for d in told['days']
                         if member in d] for name, told in found.items()}
        curves = {name: rows for name, rows in curves.items() if rows}
        if curves:
            body += panel(title, unit, curves, (n % COLUMNS * WIDTH, n // COLUMNS * tall))
    bottom = len(PANELS) // COLUMNS * tall
    body += ''.join(f'<text x="{LEFT + 240 * n}" y="{bottom + 20}" font-weight="600" '
                    f'fill="{COLOURS[name]}">{escape(told["title"])}</text>'
                    for n, (name, told) in enumerate(found.items()))
    body += f'<text x="{LEFT + 240 * len(found)}" y="{bottom + 20}">hollow: it broke</text>'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS * WIDTH} '
            f'{bottom + 36}" font-family="system-ui,sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="#fff"/>{body}</svg>\n')
