"""What stands in deploy/ beside the proxy's configuration."""
import os
import shutil
import subprocess

import pytest
from lib.server import BINARY, ROOT, run

UNIT = os.path.join(ROOT, 'deploy', 'systemd', 'overround@.service')


@pytest.mark.skipif(not shutil.which('systemd-analyze'), reason='no systemd-analyze here')
def test_systemd_finds_no_fault_in_the_unit(tmp_path):
    """With the program where this tree has it: systemd looks for it, too."""
    unit = tmp_path / 'overround@.service'
    with open(UNIT, encoding='utf-8') as file:
        unit.write_text(file.read().replace('/opt/overround/%i/overround', BINARY))
    done = subprocess.run(['systemd-analyze', 'verify', str(unit)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert 'overround@' not in done.stdout, done.stdout
    assert done.returncode == 0, done.stdout


def test_the_options_in_the_unit_are_options():
    with open(UNIT, encoding='utf-8') as file:
        line = next(row for row in file if row.startswith('ExecStart='))
    options = [word for word in line.split() if word.startswith('--') and word != '--config']
    assert options == ['--data', '--take-over']
    told = run('serve', '--take-over', 'perhaps', check=False)
    assert told.returncode == 2 and '--take-over is yes or no' in told.stderr


def test_the_script_of_an_upgrade_is_a_script():
    subprocess.run(['sh', '-n', os.path.join(ROOT, 'deploy', 'systemd', 'upgrade')], check=True)
