"""What every platform promises, held against a real cluster: the same tests as everywhere."""

import pytest
from tests.platforms.places import SHOP
from tests.platforms.test_contract import *  # noqa: F403 - every test of the contract is one here

from teastorm.platforms.kubernetes.platform import KubernetesPlatform


@pytest.fixture
def platform(kubernetes: KubernetesPlatform) -> KubernetesPlatform:
    return kubernetes


@pytest.fixture
def shop(kubernetes: KubernetesPlatform) -> KubernetesPlatform:
    """Of each test's own: any of them may be run alone on a cluster, and in any order."""
    kubernetes.deploy(SHOP)
    kubernetes.wait_ready(kubernetes.ready_within_s)
    return kubernetes
