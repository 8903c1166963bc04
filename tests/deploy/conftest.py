"""The store and the cluster of the agent's own tests."""

from tests.shipper.conftest import cluster, found, installed, ready_store, store, store_with_rows

__all__ = ["cluster", "found", "installed", "ready_store", "store", "store_with_rows"]
