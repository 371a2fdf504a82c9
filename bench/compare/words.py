"""Cells and rows of Markdown."""


def cell(value, unit=''):
    if value is None:
        return '-'
    if isinstance(value, float):
        value = f'{value:,.0f}' if abs(value) >= 100 else f'{value:.3g}'
    elif isinstance(value, int):
        value = f'{value:,}'
    return f'{value}{unit}'


def row(*cells):
    return '| ' + ' | '.join(str(c) for c in cells) + ' |\n'
