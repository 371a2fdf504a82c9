"""What stands in deploy/ beside the proxy's configuration."""
import os
import shutil
import subprocess

import pytest
from lib.server import BINARY, ROOT, run

SYSTEMD = os.path.join(ROOT, 'deploy', 'systemd')
UNIT = os.path.join(SYSTEMD, 'overround@.service')
UNITS = sorted(name for name in os.listdir(SYSTEMD) if name.endswith(('.service', '.target')))
CONFIGS = sorted(os.listdir(os.path.join(SYSTEMD, 'conf')))


@pytest.mark.skipif(not shutil.which('systemd-analyze'), reason='no systemd-analyze here')
@pytest.mark.parametrize('name', UNITS)
def test_systemd_finds_no_fault_in_a_unit(name, tmp_path):
    """With the program where this tree has it: systemd looks for it, too."""
    unit = tmp_path / name
    with open(os.path.join(SYSTEMD, name), encoding='utf-8') as file:
        text = file.read()
    for place in ('%i', 'current'):
        text = text.replace(f'/opt/overround/{place}/overround', BINARY)
    unit.write_text(text)
    done = subprocess.run(['systemd-analyze', 'verify', str(unit)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert name.split('.')[0].rstrip('@') not in done.stdout, done.stdout
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_file_has_options_of_its_roles_only(name):
    """All of it is read, and only what is wrong on the command line is complained of."""
    path = os.path.join(SYSTEMD, 'conf', name)
    told = run('serve', '--config', path, '--log-level', 'nonsense', check=False)
    assert told.returncode == 2 and '--log-level is debug' in told.stderr, told.stderr


def test_there_is_a_config_file_for_each_role():
    roles = set()
    for name in CONFIGS:
        with open(os.path.join(SYSTEMD, 'conf', name), encoding='utf-8') as file:
            roles.update(word for line in file if line.startswith('roles = ')
                         for word in line.split('=')[1].strip().split(','))
    told = run('serve', '--roles', 'none', check=False)
    known = {word.rstrip(';').rstrip(',') for word in
             told.stderr.split('some of ')[1].split('; ')[0].split()}
    assert known - roles == {'settlement-worker'}  # every book's own


def test_the_options_in_the_unit_are_options():
    with open(UNIT, encoding='utf-8') as file:
        line = next(row for row in file if row.startswith('ExecStart='))
    options = [word for word in line.split() if word.startswith('--') and word != '--config']
    assert options == ['--data', '--take-over']
    told = run('serve', '--take-over', 'perhaps', check=False)
    assert told.returncode == 2 and '--take-over is yes or no' in told.stderr


def test_the_script_of_an_upgrade_is_a_script():
    subprocess.run(['sh', '-n', os.path.join(ROOT, 'deploy', 'systemd', 'upgrade')], check=True)
