"""`make compare` in its short form: V0 and V1 play, are asked for what they take, and settle; the
table, the picture and the figures are there, and they are of what happened."""
import json
import os
import subprocess
import xml.etree.ElementTree as ET

import pytest
from lib.server import ENVIRONMENT, ROOT

COMPARE = os.path.join(ROOT, 'bench', 'compare', 'compare')


def test_the_comparison_runs_from_begin_to_end(tmp_path):
    done = subprocess.run([COMPARE, '--quick', '--out', str(tmp_path)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600,
                          env=ENVIRONMENT, check=False)
    if 'is not installed' in done.stderr:
        pytest.skip("no Java, no Maven, or Kafka's jars are out of reach")
    assert done.returncode == 0, done.stderr[-3000:]
    kept = json.loads((tmp_path / 'compare.json').read_text(encoding='utf-8'))
    assert list(kept['found']) == ['naive', 'embedded', 'distributed']
    for told in kept['found'].values():
        day, = told['days']
        assert day['bets_per_s'] > 0 and sum(day['cpu_s'].values()) > 0
        assert told['throughput']['bets_per_s'] > 0
        assert told['settled'][0]['per_s'] > 0
    naive, embedded = kept['found']['naive'], kept['found']['embedded']
    assert naive['days'][0]['polls_per_s'] > 0 and embedded['days'][0]['polls_per_s'] == 0
    assert naive['days'][0]['seen_p50_ms'] > 300  # who asks each three seconds sees late
    text = (tmp_path / 'compare.md').read_text(encoding='utf-8')
    assert text in done.stdout and '60x fresher odds' in text
    ET.fromstring((tmp_path / 'compare.svg').read_text(encoding='utf-8'))
