"""Fixtures: each test has its own sink and its own tuvid, and leaves nothing behind."""
import pytest

from harness import Sink, Tuvi


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: too slow under the sanitizers")
    config.addinivalue_line("markers", "unsanitized: about what the sanitizers change")


@pytest.fixture
def sink():
    one = Sink()
    yield one
    one.close()


@pytest.fixture
def tuvi(sink):
    """Made, not started: a test can change its files first."""
    one = Tuvi(sink.port)
    yield one
    one.close()
