"""The tests of one stack stay in the order of their file, whatever pytest-randomly says."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them in order at the places where they stand."""
    places = [place for place, item in enumerate(items) if item.path.parent.name == "containers"]
    ordered = sorted(
        (items[place] for place in places), key=lambda item: (str(item.path), item.location[1] or 0)
    )
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
