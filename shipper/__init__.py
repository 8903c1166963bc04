"""The agent of one store: reads CDR rows and ships them as documents."""

__version__ = "0.1.0"
