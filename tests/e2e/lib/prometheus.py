"""Rules of deploy/prometheus, read and tried by promtool."""
import os
import re
import subprocess

import yaml

from .server import ROOT

OWN = re.compile(r'\b(overround_\w+)')


def promtool(*words, check=True):
    done = subprocess.run(['promtool', *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    assert not check or done.returncode == 0, done.stdout
    return done


def asked(expressions):
    """The names of our metrics in them."""
    return {name for text in expressions for name in OWN.findall(text)}


class Rules:
    """NAME.yml, and its courses in NAME_alerts.yml beside this file."""

    def __init__(self, name):
        self.path = os.path.join(ROOT, 'deploy', 'prometheus', f'{name}.yml')
        with open(self.path, encoding='utf-8') as file:
            self.rules = [rule for group in yaml.safe_load(file)['groups']
                          for rule in group['rules']]
        self.alerts = {rule['alert']: rule for rule in self.rules if 'alert' in rule}
        with open(os.path.join(os.path.dirname(__file__), f'{name}_alerts.yml'),
                  encoding='utf-8') as file:
            self.courses = file.read()

    def are_rules(self):
        return f'{len(self.rules)} rules found' in promtool('check', 'rules', self.path).stdout

    def run(self, folder, courses, check=True):
        path = folder / 'courses.yml'
        path.write_text(courses.replace('rule_files: [RULES]', f'rule_files: [{self.path}]'))
        return promtool('test', 'rules', str(path), check=check)

    def told(self, fires):
        """The alerts that some course has firing, or quiet."""
        return {test['alertname'] for course in yaml.safe_load(self.courses)['tests']
                for test in course['alert_rule_test'] if bool(test.get('exp_alerts')) == fires}
