"""One node with Security and users of every role; see `secured`."""

from collections.abc import Iterator

import pytest

from compose.stack import OpenSearchCluster
from tests.central.security.secured import Secured, secured_node


@pytest.fixture(scope="package")
def secured(
    secure_opensearch: OpenSearchCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Secured]:
    """The node and its users."""
    with secured_node(secure_opensearch, tmp_path_factory.mktemp("passwords")) as found:
        yield found


@pytest.fixture
def clean(secured: Secured) -> Secured:
    """The node without any `pabx-*` index."""
    secured.empty()
    return secured


@pytest.fixture
def filled(clean: Secured) -> Secured:
    """The node with what `Secured.fill` puts there."""
    clean.fill()
    return clean
