"""One picture of a comparison, as SVG: what bettors of each contender wait for and see, by the
number of users. Both axes are logarithmic."""
import math
from xml.sax.saxutils import escape

COLOURS = {'naive': '#b3261e', 'embedded': '#0b6e4f', 'distributed': '#2457a6'}
WIDTH, HEIGHT, LEFT, TOP = 520, 300, 70, 40


def scale(values, begin, end):
    low, high = (math.log10(v) for v in (min(values), max(values)))
    low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    return (lambda v: begin + (math.log10(v) - low) / (high - low) * (end - begin),
            [10 ** n for n in range(low, high + 1)])


def panel(title, unit, curves, at_x):
    """`curves`: {name: (label, [(users, value)])}, values above 0."""
    points = [point for _, rows in curves.values() for point in rows]
    x, x_ticks = scale([p[0] for p in points], at_x + LEFT, at_x + WIDTH - 20)
    y, y_ticks = scale([p[1] for p in points], TOP + HEIGHT, TOP)
    out = [f'<text x="{at_x + LEFT}" y="{TOP - 16}" font-weight="600">{escape(title)}</text>']
    for tick in y_ticks:
        out.append(f'<line x1="{at_x + LEFT}" x2="{at_x + WIDTH - 20}" y1="{y(tick):.1f}" '
                   f'y2="{y(tick):.1f}" stroke="#8884"/><text x="{at_x + LEFT - 8}" '
                   f'y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g} {unit}</text>')
    for tick in x_ticks:
        out.append(f'<text x="{x(tick):.1f}" y="{TOP + HEIGHT + 18}" '
                   f'text-anchor="middle">{tick:g}</text>')
    for name, (_, rows) in curves.items():
        path = ' '.join(f'{"L" if n else "M"}{x(u):.1f} {y(v):.1f}'
                        for n, (u, v) in enumerate(rows))
        out.append(f'<path d="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        out += [f'<circle cx="{x(u):.1f}" cy="{y(v):.1f}" r="3" fill="{COLOURS[name]}"/>'
                for u, v in rows]
    return ''.join(out)


def draw(found):
    """`found`: {name: {'title':, 'days': [summary]}}"""
    panels = (('A bet, p99', 'ms', 'p99_ms'),
              ('From a move to its being seen, median', 'ms', 'seen_p50_ms'))
    body = ''
    for n, (title, unit, member) in enumerate(panels):
        curves = {}
        for name, told in found.items():
            rows = [(d['users'], max(d[member], 0.01)) for d in told['days'] if member in d]
            if rows:
                curves[name] = told['title'], rows
        if curves:
            body += panel(title, unit, curves, n * WIDTH)
    legend = ''.join(f'<text x="{LEFT + 240 * n}" y="{TOP + HEIGHT + 48}" '
                     f'fill="{COLOURS[name]}">{escape(told["title"])}</text>'
                     for n, (name, told) in enumerate(found.items()))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} '
            f'{TOP + HEIGHT + 70}" font-family="system-ui,sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="#fff"/>{body}{legend}'
            f'<text x="{2 * WIDTH - 20}" y="{TOP + HEIGHT + 34}" text-anchor="end">users</text>'
            '</svg>\n')
