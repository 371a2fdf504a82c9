"""Builds that begin before they are needed, in what the processors have left: most conversations
wait for a server more than they work. Such a build runs only where nothing else wants to, and
whoever needs it ends it and builds what is missing as usual, so it decides nothing."""
import os
import signal
import subprocess
import threading

# Behind everybody, whatever sessions the kernel makes groups of.
IDLY = ['sh', '-c', '{ echo 19 >/proc/self/autogroup; } 2>/dev/null; exec chrt --idle 0 "$@"', 'sh']


class Ahead:
    """`steps` are (command, environment beside ours), done in turn from begin() on until one fails
    or end(). Nothing of what they say is kept: the build that is asked for says it again."""

    def __init__(self, folder, steps):
        self.folder, self.steps = folder, steps
        self.lock, self.child, self.ended = threading.Lock(), None, False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def begin(self):
        self.thread.start()

    def run(self):
        for argv, env in self.steps:
            with self.lock:
                if self.ended:
                    return
                self.child = subprocess.Popen(IDLY + argv, cwd=self.folder,
                                              env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                              start_new_session=True)
            if self.child.wait() != 0:
                return

    def end(self):
        """When it returns, nothing of it runs any more. May be called again."""
        with self.lock:
            self.ended = True
            if self.child and self.child.poll() is None:
                # Ninja ends its compilers and removes what they had begun.
                os.killpg(self.child.pid, signal.SIGTERM)
        if self.thread.is_alive():
            self.thread.join()
