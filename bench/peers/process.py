"""A peer's process on the server's core, and how it came to be there."""
import os
import shutil
import socket
import subprocess
import time

from harness import SERVER_CPU, clean_environment, end_process, pinned

START_SECONDS_MAX = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def version(program, *argv):
    """The line in which a program names its version."""
    done = subprocess.run([program, *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=20, env=clean_environment())
    return done.stdout.strip().splitlines()[0][:100] if done.stdout.strip() else 'unknown'


def npm_folder(bench, *packages):
    """node_modules with these packages, or None where npm or its registry is not."""
    folder = os.path.join(bench.build, 'bench', 'npm')
    modules = os.path.join(folder, 'node_modules')
    missing = [p for p in packages if not os.path.isdir(os.path.join(modules, p.split('@')[0]))]
    if not missing:
        return modules
    if not shutil.which('npm'):
        return None
    done = subprocess.run(['npm', 'install', '--no-audit', '--no-fund', '--prefix', folder,
                           *packages], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False, timeout=300, env=clean_environment())
    return modules if done.returncode == 0 else None


class Peer:
    """Runs argv until it is left; answers at a port of its own."""

    name = settings = ''

    def __init__(self, argv, port):
        self.argv, self.port = argv, port

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(pinned(SERVER_CPU, self.argv), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=clean_environment())
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        end_process(self.process)
        raise RuntimeError(f'{self.argv[0]} does not answer')

    def __exit__(self, *_):
        end_process(self.process)

    @property
    def pid(self):
        return self.process.pid

    @property
    def address(self):
        return f'127.0.0.1:{self.port}'


class Responder(Peer):
    """A program of ours that prints its address, and last words where it has any."""

    def __init__(self, argv):
        super().__init__(argv, 0)

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(pinned(SERVER_CPU, self.argv), stdout=subprocess.PIPE,
                                        text=True)
        self.port = int(self.process.stdout.readline().rsplit(':', 1)[1])
        return self

    def __exit__(self, *_):
        super().__exit__()
        self.last_words = self.process.stdout.read()
