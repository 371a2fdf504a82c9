"""A PostgreSQL of the measurement's own: Debian's programs on a fresh cluster, never a server that
runs already."""
import glob
import os
import re
import shutil
import subprocess

from harness import clean_environment, end_process
from peers.process import Peer, free_port, version

SETTINGS = {
    'synchronous_commit': 'on', 'fsync': 'on', 'full_page_writes': 'on',
    'shared_buffers': '1GB', 'work_mem': '256MB', 'maintenance_work_mem': '256MB',
    'wal_buffers': '64MB', 'max_wal_size': '16GB', 'min_wal_size': '4GB',
    'checkpoint_timeout': '1h', 'autovacuum': 'off', 'jit': 'off',
}
TIMING = re.compile(r'^Time: ([0-9.]+) ms', re.M)


def programs():
    """The newest version's folder of programs."""
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin/postgres'))
    if not found:
        raise OSError('no /usr/lib/postgresql: tools/install-deps peers')
    return os.path.dirname(found[-1])


class Postgres(Peer):
    """It starts for nobody who is root: then it is the user `postgres`, whom Debian's package
    made. It may use all cores: a set-based statement uses one of them, and its writers another."""

    name = 'postgresql'

    def __init__(self, bench):
        self.bin = programs()
        self.as_user = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] \
            if os.geteuid() == 0 else []
        folder = bench.fresh('postgres')
        os.chmod(bench.folder, 0o711)
        if self.as_user:
            shutil.chown(folder, 'postgres')
        self.run([os.path.join(self.bin, 'initdb'), '-D', os.path.join(folder, 'data'), '-A',
                  'trust', '-U', 'postgres', '--no-sync', '--locale=C', '-E', 'UTF8'])
        port = free_port()
        words = {**SETTINGS, 'port': port, 'listen_addresses': '127.0.0.1',
                 'unix_socket_directories': ''}
        super().__init__([*self.as_user, os.path.join(self.bin, 'postgres'), '-D',
                          os.path.join(folder, 'data'),
                          *(f'-c{name}={value}' for name, value in words.items())], port)
        self.settings = version(os.path.join(self.bin, 'postgres'), '--version') + '; ' + \
            ', '.join(f'{name}={value}' for name, value in SETTINGS.items())

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=clean_environment(), cwd='/')
        ready = [os.path.join(self.bin, 'pg_isready'), '-q', '-t', '30', '-h', '127.0.0.1', '-p',
                 str(self.port)]
        for _ in range(300):
            if self.process.poll() is not None:
                break
            if subprocess.run(ready, check=False).returncode == 0:
                return self
        end_process(self.process)
        raise RuntimeError('postgres does not answer')

    def run(self, argv):
        done = subprocess.run([*self.as_user, *argv], stdout=subprocess.PIPE, cwd='/',
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f'{argv[0]}: {done.stdout[-400:]}')

    def sql(self, text):
        """Runs it; (what it answered, seconds of each statement as psql measures them, its commit
        included)."""
        done = subprocess.run([os.path.join(self.bin, 'psql'), '-X', '-A', '-t', '-h', '127.0.0.1',
                               '-p', str(self.port), '-U', 'postgres', '-v', 'ON_ERROR_STOP=1',
                               '-d', 'postgres', '-f', '-'], input='\\timing on\n' + text,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, env=clean_environment(), cwd='/')
        if done.returncode != 0:
            raise RuntimeError(f'psql: {done.stderr[-400:]}')
        return done.stdout, [float(ms) / 1000 for ms in TIMING.findall(done.stdout)]
