"""Machines for the installer, and agents to install."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.linux.box import NoTreeError, obstacle, tree
from tests.deploy.linux.pbx import Pbx, agent, new_pbx


@pytest.fixture(scope="session")
def artefact() -> bytes:
    """The agent of this checkout."""
    return agent()


@pytest.fixture(scope="session")
def debian() -> Path:
    """The tree that machines are copies of."""
    if why := obstacle():
        pytest.skip(why)
    try:
        return tree()
    except NoTreeError as error:
        pytest.skip(str(error))


@pytest.fixture
def pbx(debian: Path) -> Iterator[Pbx]:
    """A machine with a FreePBX on which nothing of ours is installed; systemd does not run."""
    with new_pbx(debian) as machine:
        yield machine
