"""Source ``cdr``: rows of Asterisk's call detail records, read from MariaDB or MySQL."""

from shipper.sources.cdr.database import Database
from shipper.sources.cdr.reader import CdrReader

__all__ = ["CdrReader", "Database"]
