"""docs/api, read by validators that others wrote: PyPI's openapi-spec-validator, and AsyncAPI's own
schema, from npm."""
import json
import shutil
import subprocess
import sys

import jsonschema
import pytest
import yaml
from lib.documents import FOLDER

SECONDS_MAX = 120


def install(folder, *argv):
    done = subprocess.run(argv, cwd=folder, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS_MAX, check=False)
    if done.returncode != 0:
        pytest.skip(f'not here: {done.stdout[-200:]}')


def test_openapi_spec_validator_finds_nothing(tmp_path):
    install(tmp_path, sys.executable, '-m', 'venv', 'venv')
    python = str(tmp_path / 'venv' / 'bin' / 'python')
    install(tmp_path, python, '-m', 'pip', 'install', '-q', 'openapi-spec-validator==0.7.*')
    done = subprocess.run([python, '-m', 'openapi_spec_validator', FOLDER / 'openapi.yaml'],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stdout


def test_asyncapi_keeps_the_schema_of_its_authors(tmp_path):
    if not shutil.which('npm'):
        pytest.skip('no npm here')
    install(tmp_path, 'npm', 'install', '--no-audit', '--no-fund', '--prefix', '.',
            '@asyncapi/specs@6')
    path = tmp_path / 'node_modules' / '@asyncapi' / 'specs' / 'schemas' / '3.0.0.json'
    check = jsonschema.Draft7Validator(json.loads(path.read_text(encoding='utf-8')))
    for name in ('asyncapi.yaml', '../events/topics.yaml'):
        told = yaml.safe_load((FOLDER / name).read_text(encoding='utf-8'))
        assert [error.message for error in check.iter_errors(told)] == [], name
