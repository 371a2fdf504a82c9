"""Helpers for the tests of tools/: a small tree in a temporary folder, and a tool run on it."""
import os
import subprocess

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))


class Tree:
    """A tree of files to show to a tool."""

    def __init__(self, path):
        self.path = str(path)

    def write(self, name, text):
        full = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as file:
            file.write(text)
        return self

    def run(self, tool, *arguments, env=None):
        """Returns (exit status, what was printed) of tools/TOOL on this tree."""
        done = subprocess.run([os.path.join(ROOT, 'tools', tool), *arguments, self.path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=env, timeout=60, check=False)
        return done.returncode, done.stdout


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)
