"""tools/install-deps with stand-ins for dpkg-query, id, sudo and apt-get."""
import os
import shutil
import subprocess

import pytest

TOOL = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..', 'tools',
                                    'install-deps'))


@pytest.fixture
def machine(tmp_path):
    """A function that runs the tool on a machine with these packages; returns status, message and
    the apt-get calls."""
    def run(present, uid=0, sudo=True, apt_status=0, dpkg=True, groups=('build',)):
        folder = tmp_path / 'bin'
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        log = tmp_path / 'apt.log'
        log.write_text('')

        def script(name, text):
            (folder / name).write_text('#!/bin/bash\n' + text)
            (folder / name).chmod(0o755)

        if dpkg:
            script('dpkg-query', f'''present=" {' '.join(present)} "
                for p in "${{@:3}}"; do
                    case "$present" in *" $p "*) echo "ii  $p" ;; *" all "*) echo "ii  $p" ;;
                    *" removed:$p "*) echo "rc  $p" ;; esac
                done''')
        script('id', f'echo {uid}')
        if sudo:
            script('sudo', 'echo "sudo $1" >> ' + str(log) + '; [ "$1" = -n ] && shift; exec "$@"')
        script('apt-get', f'echo "apt-get $*" >> {log}; exit {apt_status}')
        for name in ('sed', 'tr', 'env'):
            os.symlink(shutil.which(name), folder / name)
        done = subprocess.run(['/bin/bash', TOOL, *groups], env={'PATH': str(folder)},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=20, check=False)
        assert done.stdout == ''  # the first line of `make run` is the URL
        return done.returncode, done.stderr, log.read_text()
    return run


def test_a_second_run_installs_nothing(machine):
    assert machine(['all'], groups=('build', 'test')) == (0, '', '')


def test_what_is_missing_is_installed_and_nothing_else(machine):
    wanted = machine([])[2].split('--no-install-recommends ')[-1].split()
    assert len(wanted) > 10 and 'ninja-build' in wanted
    status, _, calls = machine([package for package in wanted if package != 'ninja-build'])
    assert status == 0
    assert calls.splitlines()[-1].endswith('--no-install-recommends ninja-build')


def test_a_removed_package_whose_settings_remain_counts_as_missing(machine):
    assert 'ninja-build' in machine(['removed:ninja-build'])[2]


def test_without_root_sudo_is_asked_and_never_for_a_password(machine):
    status, _, calls = machine([], uid=1000)
    assert status == 0 and calls.startswith('sudo -n\napt-get')


@pytest.mark.parametrize('how', [{'uid': 1000, 'sudo': False}, {'apt_status': 100},
                                 {'dpkg': False}])
def test_what_cannot_be_installed_is_said_clearly(machine, how):
    status, message, _ = machine([], **how)
    assert status == 1
    assert 'install these and run again: gcc ' in message


def test_an_unknown_group_is_an_error(machine):
    assert machine(['all'], groups=('tset',))[0] == 1
