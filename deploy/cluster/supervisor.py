"""Processes that belong together: started one after the other, each when those before it are
ready; started again when they end by themselves; ended in reverse order."""
import json
import os
import signal
import subprocess
import time

READY_SECONDS_MAX = 120
END_SECONDS_MAX = 30
AGAIN_SECONDS = 1.0
ABSENT = 77  # of a script that finds nothing to run


class Trouble(Exception):
    """The sentence to end with."""


class Member:
    """One process. `ready`: whether it does its work, asked again and again; None: once it runs.
    `at`: where it is, for people and programs. `again`: seconds before it is started again."""

    again = AGAIN_SECONDS

    def __init__(self, name, argv, ready=None, at=None, stop=signal.SIGTERM, environment=None):
        self.name, self.argv, self.ready = name, [str(word) for word in argv], ready
        self.at, self.stop = {} if at is None else at, stop
        self.environment = {**os.environ, **(environment or {})}
        self.process, self.starts, self.ended = None, 0, None

    def spawn(self, log):
        # The pipe stays open, as some end when their standard input does. A session of its own:
        # Ctrl-C is for the cluster, which ends them in order.
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=log, stderr=log,
                                        env=self.environment, start_new_session=True)
        self.starts, self.ended = self.starts + 1, None

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def end(self):
        """False: it had to be killed, or ended with a complaint."""
        if not self.is_alive():
            return True
        self.process.send_signal(self.stop)
        try:
            return self.process.wait(END_SECONDS_MAX) in (0, -self.stop, 128 + self.stop)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False


class Supervisor:
    """`folder` has a log of each member, and members.json: where each is, its pid, its starts."""

    def __init__(self, folder, say):
        self.folder, self.say, self.members, self.asked = folder, say, [], False
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self.ask_to_end)

    def ask_to_end(self, *_):
        self.asked = True

    def log(self, member):
        return os.path.join(self.folder, f'{member.name}.log')

    def spawn(self, member):
        with open(self.log(member), 'ab') as log:
            member.spawn(log)
        listed = os.path.join(self.folder, 'members.json')
        with open(listed + '.new', 'w', encoding='ascii') as file:
            json.dump({m.name: {'pid': m.process.pid, 'starts': m.starts, **m.at}
                       for m in self.members}, file, indent=1)
        os.replace(listed + '.new', listed)

    def start(self, member):
        begin = time.monotonic()
        self.members.append(member)
        self.spawn(member)
        while member.ready is not None and not member.ready():
            if self.asked:
                raise Trouble('ended before it was whole')
            if not member.is_alive():
                raise Trouble(self.why_ended(member))
            if time.monotonic() - begin > READY_SECONDS_MAX:
                raise Trouble(f'{member.name} is not ready after {READY_SECONDS_MAX} s: ' +
                              self.last_words(member))
            time.sleep(0.05)
        where = '  '.join(f'{key} {value}' for key, value in member.at.items())
        self.say(f'{member.name:14} {time.monotonic() - begin:5.1f} s  {where}')

    def why_ended(self, member):
        if member.process.returncode == ABSENT:
            return f'{member.name}: what it runs is not installed (tools/install-deps test)'
        return f'{member.name} ended with {member.process.returncode}: {self.last_words(member)}'

    def last_words(self, member):
        with open(self.log(member), encoding='utf-8', errors='replace') as file:
            return file.read()[-600:].strip() or '(it said nothing)'

    def watch(self):
        """Until a signal comes. Whatever ends meanwhile is started again, a while later."""
        while not self.asked:
            for member in self.members:
                self.look_after(member)
            time.sleep(0.1)

    def look_after(self, member):
        if member.is_alive():
            return
        if member.ended is None:
            member.ended = time.monotonic()
            self.say(f'{member.name} ended with {member.process.returncode}: it is started again')
        elif time.monotonic() - member.ended >= member.again:
            self.spawn(member)

    def end(self):
        """The names of those that had to be killed, or complained."""
        bad = [member.name for member in reversed(self.members) if not member.end()]
        for member in self.members:
            member.process.stdin.close()
        return bad
