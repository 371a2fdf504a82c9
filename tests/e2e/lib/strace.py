"""Failing and stalling disks under a real server."""
import os
import subprocess

from .until import until

SYNCS = 'fdatasync,fsync,sync_file_range,pwritev2'


class Strace:
    """Fault injection into the running server, from begin to end of the with block; with a folder
    only into calls on the files that are in it now."""

    def __init__(self, server, calls, fault, folder=None):
        self.argv = ['strace', '-f', '-qq', '-o', os.devnull, '-p', str(server.process.pid),
                     '-e', f'trace={calls}', '-e', f'inject={calls}:{fault}']
        for name in os.listdir(folder) if folder else ():
            self.argv += ['-P', os.path.join(folder, name)]
        self.pid = server.process.pid

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        until(self.is_attached)
        return self

    def is_attached(self):
        assert self.process.poll() is None, self.process.stderr.read()
        for task in os.listdir(f'/proc/{self.pid}/task'):
            with open(f'/proc/{self.pid}/task/{task}/status', encoding='utf-8') as status:
                if 'TracerPid:\t0\n' in status.read():
                    return False
        return True

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:  # while it holds back a call
            self.process.kill()
            self.process.wait()
