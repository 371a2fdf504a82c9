/* load_html.c - contract in load_html.h. The report stands in the page as it is: the writer of JSON
 * leaves nothing in it that ends a script. */
#include "load/load_html.h"

#include <stdio.h>

#include "base/error.h"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<title>Overround: a match day</title>\n<style>\n"
    ":root{color-scheme:light dark;--line:#0b6e4f;--soft:#8884}\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem}\n"
    "table{border-collapse:collapse;margin:1rem 0}\n"
    "th,td{padding:.25rem .8rem;border-bottom:1px solid var(--soft);text-align:right}\n"
    "th:first-child,td:first-child{text-align:left}\n"
    "figure{margin:1.5rem 0}figcaption{font-weight:600}\n"
    "svg{width:100%;height:auto}path{fill:none;stroke:var(--line);stroke-width:1.5}\n"
    "text{font-size:11px;fill:currentColor}line{stroke:var(--soft)}\n</style>\n"
    "<h1>A match day</h1>\n<p id=\"what\"></p>\n<div id=\"tables\"></div>\n"
    "<div id=\"charts\"></div>\n<script type=\"application/json\" id=\"report\">";

static const char tail[] =
    "</script>\n<script>\n"
    "const report = JSON.parse(document.getElementById('report').textContent);\n"
    "const ms = (us) => (us / 1000).toFixed(us < 100000 ? 1 : 0);\n"
    "const add = (to, name, text) => {\n"
    "  const made = document.createElement(name);\n"
    "  if (text !== undefined) made.textContent = text;\n"
    "  return to.appendChild(made);\n};\n"
    "const table = (rows) => {\n"
    "  const made = add(document.getElementById('tables'), 'table');\n"
    "  rows.forEach((row, n) => {\n    const line = add(made, 'tr');\n"
    "    row.forEach((cell) => add(line, n ? 'td' : 'th', cell));\n  });\n};\n"
    "const chart = (title, unit, values) => {\n"
    "  const figure = add(document.getElementById('charts'), 'figure');\n"
    "  add(figure, 'figcaption', title);\n"
    "  const space = 'http://www.w3.org/2000/svg', width = 960, height = 200, left = 60;\n"
    "  const svg = figure.appendChild(document.createElementNS(space, 'svg'));\n"
    "  svg.setAttribute('viewBox', `0 0 ${width} ${height + 20}`);\n"
    "  svg.setAttribute('role', 'img');\n  svg.setAttribute('aria-label', title);\n"
    "  const most = Math.max(1, ...values);\n"
    "  const x = (n) => left + n * (width - left) / Math.max(1, values.length - 1);\n"
    "  const y = (v) => height - v * (height - 10) / most;\n"
    "  const put = (name, attributes, text) => {\n"
    "    const made = document.createElementNS(space, name);\n"
    "    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));\n"
    "    if (text !== undefined) made.textContent = text;\n    svg.appendChild(made);\n  };\n"
    "  [0, most / 2, most].forEach((v) => {\n"
    "    put('line', {x1: left, x2: width, y1: y(v), y2: y(v)});\n"
    "    put('text', {x: 0, y: y(v) + 4}, `${most < 10 ? v.toFixed(1) : Math.round(v)} "
    "${unit}`);\n  });\n"
    "  put('text', {x: left, y: height + 16}, '0 s');\n"
    "  put('text', {x: width - 40, y: height + 16}, `${values.length} s`);\n"
    "  put('path', {d: values.map((v, n) => `${n ? 'L' : 'M'}${x(n)} ${y(v)}`).join('')});\n};\n"
    "document.getElementById('what').textContent = `${report.users} bettors who ` +\n"
    "  `${report.streams ? 'have a stream' : `ask every ${report.poll_ms} ms`}, ` +\n"
    "  `${report.seconds} s, seed ${report.seed}; ${report.machine.cpu}, ` +\n"
    "  `${report.machine.nproc} cores; generator ` +\n"
    "  `${report.generator.saturated ? 'SATURATED: these figures are its own' : 'not "
    "saturated'}.`;\n"
    "table([['', 'sent', 'answered', 'lost', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],\n"
    "  ...['polls', 'bets', 'balances'].map((name) => {\n"
    "    const one = report[name], late = one.latency_us;\n"
    "    return [name, one.sent, one.answered, one.lost, ms(late.p50), ms(late.p95),\n"
    "      ms(late.p99), ms(late.max)];\n  })]);\n"
    "table([['of bets', ''], ['placed', report.bets.succeeded],\n"
    "  ...report.bets.codes.filter((row) => row.code).map((row) => [row.code, row.count]),\n"
    "  ['refused ODDS_CHANGED, %', report.odds_changed_percent],\n"
    "  ['asked for on an old price, %', report.on_old_price_percent],\n"
    "  ['a move is told to its being seen, p50 / p99 ms',\n"
    "    `${ms(report.sight_us.p50)} / ${ms(report.sight_us.p99)}`],\n"
    "  ['sent again', report.retries], ['one key, two bets', report.duplicates]]);\n"
    "const series = (name) => report.series.map((second) => second[name]);\n"
    "chart('Bets asked for', '/s', series('bets'));\nchart('Bets placed', '/s', "
    "series('accepted'));\n"
    "chart('Bets refused', '/s', series('refused'));\n"
    "chart('Bets that failed or had no answer', '/s', series('failed'));\n"
    "chart('Bet latency, p99', 'ms', series('latency_p99_us').map((us) => us / 1000));\n"
    "chart('Age of the price that bets were asked for on, p99', 'ms',\n"
    "  series('stale_p99_us').map((us) => us / 1000));\n</script>\n";

int load_html_write(const char *path, struct slice report)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return -ERR_IO;
    bool written = fwrite(head, 1, sizeof head - 1, file) == sizeof head - 1 &&
                   fwrite(report.at, 1, report.bytes, file) == report.bytes &&
                   fwrite(tail, 1, sizeof tail - 1, file) == sizeof tail - 1;
    return fclose(file) == 0 && written ? 0 : -ERR_IO;
}
