"""Builds, and programs of tests that only compute, that begin before they are needed, in what the
processors have left: most conversations wait for a server more than they work. Such a one runs only
where nothing else wants to, and whoever needs it ends it and does what is missing as usual, so it
decides nothing but when."""
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field

# Behind everybody, whatever sessions the kernel makes groups of.
IDLY = ['sh', '-c', '{ echo 19 >/proc/self/autogroup; } 2>/dev/null; exec chrt --idle 0 "$@"', 'sh']


@dataclass
class Step:
    """A command, with its environment beside ours. Without a name it is a build: what it says is
    not kept, as the build that is asked for says it again, and nothing follows one that failed."""
    argv: list
    env: dict = field(default_factory=dict)
    name: str = ''


@dataclass
class Done:
    """What a step with a name came to: its end, all that it said, and how long it took."""
    status: int
    output: str
    seconds: float
    work: float  # of the processors, seconds


class Ahead:
    """`steps` are done in turn from begin() on, until a build fails or end(). They are asked for
    one by one, each when those before it are done. `done`: of the steps that came to their own
    end, by their words; to be read behind end()."""

    def __init__(self, folder, steps):
        self.folder, self.steps, self.done = folder, steps, {}
        self.lock, self.child, self.ended = threading.Lock(), None, False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def begin(self):
        self.thread.start()

    def run(self):
        for step in self.steps:
            with tempfile.TemporaryFile() as output:
                begin = time.monotonic()
                if not self.spawn(step, output):
                    return
                status, work = self.wait()
                if self.ended or (status != 0 and not step.name):
                    return
                output.seek(0)
                if step.name:
                    self.done[tuple(step.argv)] = Done(
                        status, output.read().decode('utf-8', 'replace'),
                        time.monotonic() - begin, work)

    def spawn(self, step, output):
        with self.lock:
            if self.ended:
                return False
            self.child = subprocess.Popen(IDLY + step.argv, cwd=self.folder,
                                          env={**os.environ, **step.env}, stdin=subprocess.DEVNULL,
                                          stdout=output, stderr=subprocess.STDOUT,
                                          start_new_session=True)
            return True

    def wait(self):
        """(its status, its work); it can be ended until then, and its number is nobody else's."""
        os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOWAIT)
        with self.lock:
            _, status, usage = os.wait4(self.child.pid, 0)
            self.child.returncode = os.waitstatus_to_exitcode(status)
        return self.child.returncode, usage.ru_utime + usage.ru_stime

    def end(self):
        """When it returns, nothing of it runs any more. May be called again."""
        with self.lock:
            self.ended = True
            if self.child and self.child.returncode is None:
                # Ninja ends its compilers and removes what they had begun.
                os.killpg(self.child.pid, signal.SIGTERM)
        if self.thread.is_alive():
            self.thread.join()
