"""What is in deploy/ and docs/, checked once, in the release build. Programs come from the integration tests' harness."""

import importlib.util
import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
sys.path.insert(0, str(pathlib.Path(__file__).parent))

_spec = importlib.util.spec_from_file_location("integration_conftest", TESTS / "integration" / "conftest.py")
_integration = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_integration)

pytest_configure = _integration.pytest_configure
pytest_runtest_makereport = _integration.pytest_runtest_makereport
cluster = _integration.cluster
certificates = _integration.certificates
start = _integration.start
shared = _integration.shared


@pytest.fixture(scope="session")
def root():
    return ROOT
