"""What V0 is watched by: the rules of deploy/prometheus hold what the specification says and fire
in the courses of lib/naive_alerts.yml; they and the dashboard ask for what the program really
shows."""
import json
import os

import pytest
from lib.naive import Customer, NaiveBook
from lib.prometheus import Rules, asked, promtool
from lib.server import ROOT

RULES = Rules('naive')
BOARD = os.path.join(ROOT, 'deploy', 'grafana', 'naive.json')
VARIABLES = (('$instance', '.*'), ('${source}', 'source'))


def panels():
    with open(BOARD, encoding='utf-8') as file:
        return json.load(file)['panels']


def expressions():
    return [rule['expr'] for rule in RULES.rules] + \
        [target['expr'] for panel in panels() for target in panel['targets']]


@pytest.fixture(scope='module')
def shown(tmp_path_factory):
    """The names of all metrics of a V0 that was used."""
    naive = NaiveBook(tmp_path_factory.mktemp('naive') / 'data')
    try:
        customer = Customer(naive)
        assert customer.bet(naive.market()).status == 201
        return {name.split('{')[0] for name in naive.server.metrics()}
    finally:
        naive.close()


def test_the_rules_are_rules():
    assert RULES.are_rules()


def test_every_alert_fires_in_its_course_and_in_no_quiet_one(tmp_path):
    RULES.run(tmp_path, RULES.courses)
    assert RULES.told(True) == set(RULES.alerts)


def test_a_wrong_course_is_noticed(tmp_path):
    """So the test above can fail."""
    done = RULES.run(tmp_path, RULES.courses.replace("'0.75x20 0.9x20'", "'0.65x20 0.9x20'"),
                     check=False)
    assert done.returncode != 0 and 'NaivePoolUsed' in done.stdout


@pytest.mark.parametrize('alert, figure', [
    ('NaivePoolUsed', '> 0.70'), ('NaivePoolNearlyGone', '> 0.85'), ('NaiveOddsChanged', '> 0.15'),
    ('NaivePollsSlow', '> 0.2'), ('NaiveBetsSlow', '> 0.5'), ('NaiveSessionsMiss', '< 0.95')])
def test_the_figures_are_those_of_the_specification(alert, figure):
    assert RULES.alerts[alert]['expr'].strip().endswith(figure)


def test_a_settlement_alerts_after_five_minutes():
    rule = RULES.alerts['NaiveSettlementSlow']
    assert (rule['expr'], rule['for']) == ('overround_naive_settlement_left > 0', '5m')


def test_what_rules_and_panels_ask_for_is_shown(shown):
    wanted = asked(expressions())
    assert len(wanted) > 10 and wanted <= shown, wanted - shown


def test_the_dashboard_has_the_six_panels_and_prometheus_reads_them(tmp_path):
    assert [panel['title'] for panel in panels()] == [
        'Users', 'Odds QPS', 'Bet QPS', 'Rejections', 'Pool', 'Settlement']
    places = {(panel['gridPos']['x'], panel['gridPos']['y']) for panel in panels()}
    assert len(places) == len({panel['id'] for panel in panels()}) == 6
    text = json.dumps({'groups': [{'name': 'panels', 'rules': [
        {'record': f'panel:{n}', 'expr': expr} for n, expr in enumerate(expressions())]}]})
    for name, value in VARIABLES:
        text = text.replace(name, value)
    read = tmp_path / 'panels.yml'
    read.write_text(text)
    promtool('check', 'rules', str(read))
