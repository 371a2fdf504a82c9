"""Failing and stalling disks under a real server."""
import contextlib
import os
import subprocess

from .until import until

SYNCS = 'fdatasync,fsync,sync_file_range,pwritev2'
GONE = FileNotFoundError, ProcessLookupError  # a thread that ended while it was looked at


class Strace:
    """Fault injection into the running server, from begin to end of the with block; with a folder
    only into calls on the files that are in it now, with threads only into those of these names."""

    def __init__(self, server, calls, fault, folder=None, threads=None):
        self.server, self.pid, self.threads = server, server.process.pid, threads
        self.argv = ['strace', '-qq', '-o', os.devnull, '-e', f'trace={calls}', '-e',
                     f'inject={calls}:{fault}']
        self.argv += ['-f', '-p', str(self.pid)] if threads is None else [
            word for task in self.tasks() for word in ('-p', task)]
        for name in os.listdir(folder) if folder else ():
            self.argv += ['-P', os.path.join(folder, name)]

    def tasks(self):
        """The ids of the threads that are meant."""
        found = []
        for task in os.listdir(f'/proc/{self.pid}/task'):
            with contextlib.suppress(*GONE), \
                    open(f'/proc/{self.pid}/task/{task}/comm', encoding='ascii') as name:
                if self.threads is None or name.read().strip() in self.threads:
                    found.append(task)
        return found

    def holds_back(self):
        """Whether a thread stands in a call that is delayed."""
        try:
            return any('State:\tt' in status for status in self.statuses())
        except GONE:
            return False

    def statuses(self):
        for task in self.tasks():
            with open(f'/proc/{self.pid}/task/{task}/status', encoding='utf-8') as status:
                yield status.read()

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        until(self.is_attached)
        return self

    def is_attached(self):
        """Or the server has already ended of what it met, and strace with it."""
        traced = self.process.poll() is None
        if self.server.process.poll() is not None:
            return True
        assert traced, self.process.stderr.read()
        try:
            return all('TracerPid:\t0\n' not in status for status in self.statuses())
        except GONE:
            return False

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:  # while it holds back a call
            self.process.kill()
            self.process.wait()
