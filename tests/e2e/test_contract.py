"""What every platform promises, held against a real cluster: the same tests as everywhere."""

import pytest
from tests.platforms.test_contract import *  # noqa: F403 - every test of the contract is one here

from teastorm.platforms.kubernetes.platform import KubernetesPlatform


@pytest.fixture
def platform(kubernetes: KubernetesPlatform) -> KubernetesPlatform:
    return kubernetes
