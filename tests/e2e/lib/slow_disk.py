"""A disk that takes its time, under an engine of a test's: lib/slow_disk.c, loaded before it."""
import mmap
import os
import shutil
import struct
import tempfile

from .server import ROOT

LIBRARY = os.path.join(ROOT, 'build', 'tests', 'slow-disk.so')


class SlowDisk:
    """Of whatever is started with its `environment`; as quick as the real one until it is told how
    many `seconds` a call takes. Any user may use it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='overround-disk-', dir='/tmp')
        os.chmod(self.folder, 0o755)
        library, path = os.path.join(self.folder, 'slow-disk.so'), os.path.join(self.folder, 'told')
        shutil.copy(LIBRARY, library)
        with open(path, 'w+b') as file:
            file.write(bytes(16))
            file.flush()
            self.memory = mmap.mmap(file.fileno(), 16)
        os.chmod(path, 0o666)
        self.environment = {'LD_PRELOAD': library, 'SLOW_DISK': path}

    @property
    def calls(self):
        """How many had to wait."""
        return struct.unpack('QQ', self.memory[:])[1]

    def takes(self, seconds):
        self.memory[:8] = struct.pack('Q', int(seconds * 1000000))

    def close(self):
        self.takes(0)
        self.memory.close()
        shutil.rmtree(self.folder, ignore_errors=True)
