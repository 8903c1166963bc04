"""Builds the agent as one file: its sources, what it needs of other people's, and its installer."""

from deploy.artefact.build import BuildError, build

__all__ = ["BuildError", "build"]
