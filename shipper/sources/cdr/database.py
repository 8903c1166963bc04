"""The PBX's database: a read-only connection and the few questions that are asked of it.

Every query goes by the index on ``calldate`` and ends soon: a table may hold tens of millions of
rows, and the PBX comes first.
"""

import re
from collections.abc import Iterator, Sequence

import pymysql
from pymysql.constants import CR, ER
from pymysql.err import MySQLError

from shipper.config import CdrSettings
from shipper.errors import DatabaseError
from shipper.signs import alive
from shipper.sources.cdr import buckets
from shipper.sources.cdr.rows import RawCursor, Row
from shipper.spool import Bucket

CONNECT_SECONDS = 10
READ_SECONDS = 60

_JOINING = ("linkedid", "uniqueid", "channel", "dstchannel")
_CHECKED = ("calldate", "uniqueid", "channel", "dstchannel")
_UNREACHABLE = {CR.CR_CONNECTION_ERROR, CR.CR_CONN_HOST_ERROR, CR.CR_UNKNOWN_HOST}


class Database:
    """One connection, made when it is needed and made anew after an error.

    Args:
        settings: The ``[cdr]`` section.
    """

    def __init__(self, settings: CdrSettings) -> None:
        self.settings = settings
        self._connection: pymysql.connections.Connection[RawCursor] | None = None
        self._columns: tuple[str, ...] = ()
        self._index = ""
        self._table = f"`{settings.table}`"

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's real columns.

        Raises:
            DatabaseError: No connection, no such table, or it has no ``calldate``.
        """
        self._connected()
        return self._columns

    def newest(self, until: str = "") -> str:
        """The latest ``calldate``, of all or up to a date; empty where there is none."""
        sql = f"SELECT MAX(calldate) FROM {self._table}"
        return self._value(f"{sql} WHERE calldate <= %s", until) if until else self._value(sql)

    def next_bucket(self, after: str) -> str:
        """The bucket of the first ``calldate`` behind a date; empty where there is none."""
        sql = f"SELECT MIN(calldate) FROM {self._table} WHERE calldate >= %s"
        return self._value(sql, after)[: buckets.LENGTH]

    def total(self, first: str) -> Bucket:
        """How many rows there are from a bucket on, and the sum of their dates' CRC-32."""
        self._connected()
        sql = (
            f"SELECT COUNT(*), COALESCE(SUM(CRC32(calldate)), 0) FROM {self._table} {self._index} "
            "WHERE calldate >= %s"
        )
        ((rows, crc),) = self._all(sql, buckets.lowest(first))
        return Bucket(int(rows or 0), int(crc or 0))

    def counts(self, first: str, last: str) -> dict[str, Bucket]:
        """The same for each bucket between two."""
        self._connected()
        sql = (
            f"SELECT LEFT(calldate, {buckets.LENGTH}) AS bucket, COUNT(*), SUM(CRC32(calldate)) "
            f"FROM {self._table} {self._index} WHERE calldate BETWEEN %s AND %s "
            "GROUP BY bucket ORDER BY bucket"
        )
        found = self._all(sql, buckets.lowest(first), buckets.highest(last))
        return {
            (name or b"").decode(errors="replace"): Bucket(int(rows or 0), int(crc or 0))
            for name, rows, crc in found
        }

    def rows(self, first: str, last: str) -> Iterator[Row]:
        """The rows of the buckets between two, by date, one at a time."""
        self._connected()
        sql = (
            f"SELECT {self._names()} FROM {self._table} {self._index} "
            "WHERE calldate BETWEEN %s AND %s ORDER BY calldate"
        )
        return self._rows(sql, buckets.lowest(first), buckets.highest(last))

    def related(self, spans: Sequence[tuple[str, str]], names: Sequence[str]) -> Iterator[Row]:
        """The rows in some spans of buckets that have one of these linkedids, uniqueids or channels.

        Args:
            spans: First and last bucket each.
            names: Empty for all rows of the spans.
        """
        self._connected()
        columns = [name for name in _JOINING if name in self._columns] if names else []
        when = " OR ".join(["calldate BETWEEN %s AND %s"] * len(spans))
        who = " OR ".join(f"`{name}` IN ({', '.join(['%s'] * len(names))})" for name in columns)
        sql = (
            f"SELECT {self._names()} FROM {self._table} {self._index} "
            f"WHERE ({when}){f' AND ({who})' if who else ''} ORDER BY calldate"
        )
        dates = [date for first, last in spans for date in (buckets.lowest(first), buckets.highest(last))]
        return self._rows(sql, *dates, *(list(names) * len(columns)))

    def trunks(self) -> list[str]:
        """The trunks' names as they stand in channel names, by FreePBX's own table.

        None where there is no such table, or where the agent may not read it.

        Raises:
            DatabaseError: The database does not answer now.
        """
        database = self.settings.freepbx_database.replace("`", "``")
        # FreePBX: of PJSIP, SIP and IAX2 the peer's name, of DAHDI a group or a number of channels.
        sql = f"SELECT channelid FROM `{database}`.trunks WHERE tech IN ('pjsip', 'sip', 'iax2', 'iax')"
        try:
            return [name for (raw,) in self._all(sql) if (name := (raw or b"").decode(errors="replace"))]
        except DatabaseError as error:
            if error.permanent:
                return []
            raise

    def recent(self, limit: int) -> list[dict[str, str]]:
        """Of the latest rows what `shipper check` holds against the configuration."""
        wanted = [name for name in _CHECKED if name in self.columns]
        names = ", ".join(wanted)
        sql = f"SELECT {names} FROM {self._table} {self._index} ORDER BY calldate DESC LIMIT {limit:d}"
        return [
            {name: (raw or b"").decode(errors="replace") for name, raw in zip(wanted, row, strict=True)}
            for row in self._all(sql)
        ]

    def clock(self) -> float:
        """The server's clock, seconds since 1970."""
        return float(self._value("SELECT UNIX_TIMESTAMP(NOW(6))"))

    def version(self) -> str:
        """The server's version."""
        return self._value("SELECT VERSION()")

    def grants(self) -> list[str]:
        """What the user may do, as ``GRANT`` statements."""
        self._connected()
        return [(row[0] or b"").decode(errors="replace") for row in self._all("SHOW GRANTS")]

    def close(self) -> None:
        """End the connection at once, also in the middle of a result."""
        if self._connection is not None:
            self._connection._force_close()  # type: ignore[attr-defined]  # noqa: SLF001
            self._connection = None

    def _names(self) -> str:
        return ", ".join(f"`{name.replace('`', '``')}`" for name in self._columns)

    def _value(self, sql: str, *values: str) -> str:
        self._connected()
        ((value,),) = self._all(sql, *values)
        return (value or b"").decode()

    def _all(self, sql: str, *values: str) -> list[Row]:
        return list(self._rows(sql, *values))

    def _rows(self, sql: str, *values: str) -> Iterator[Row]:
        done = False
        alive()
        try:
            with self._connected().cursor(RawCursor) as cursor:
                cursor.execute(sql, values or None)
                yield from cursor.raw_rows()
                done = True
        except (MySQLError, OSError) as error:
            raise self._explain(error) from error
        finally:
            if not done:
                self.close()

    def _connected(self) -> "pymysql.connections.Connection[RawCursor]":
        if self._connection is None:
            settings = self.settings
            try:
                connection = pymysql.connect(
                    host=settings.host,
                    port=settings.port,
                    user=settings.user,
                    password=settings.password,
                    database=settings.database,
                    charset="utf8mb4",
                    cursorclass=RawCursor,
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    write_timeout=READ_SECONDS,
                    autocommit=True,
                )
            except (MySQLError, OSError, RuntimeError, UnicodeError) as error:
                raise self._explain(error) from error
            self._connection = connection
            self._prepare()
        return self._connection

    def _prepare(self) -> None:
        """Set the session up, and learn the table's columns and index."""
        for statement in (
            "SET SESSION TRANSACTION READ ONLY",
            "SET SESSION sql_mode = ''",  # zero dates may be compared
            "SET character_set_results = NULL",  # bytes as Asterisk wrote them, whatever the column claims
        ):
            self._all(statement)
        self._columns = tuple(
            (row[0] or b"").decode() for row in self._all(f"SHOW COLUMNS FROM {self._table}")
        )
        settings = self.settings
        where = f"table {settings.database}.{settings.table}"
        if "calldate" not in self._columns:
            self.close()
            raise DatabaseError(
                f"{where} has no column calldate (it has: {', '.join(self._columns)})",
                "set cdr.table to the CDR table, usually cdr",
                permanent=True,
            )
        for row in self._all(f"SHOW INDEX FROM {self._table}"):
            name, place, column = ((row[number] or b"").decode() for number in (2, 3, 4))
            if column == "calldate" and place == "1":
                self._index = f"FORCE INDEX (`{name}`)"
                return
        self.close()
        raise DatabaseError(
            f"{where} has no index on calldate, each poll would read all of it",
            f"run on the PBX: mysql {settings.database} -e "
            f"'CREATE INDEX calldate ON {settings.table} (calldate)'",
            permanent=True,
        )

    def _explain(self, error: Exception) -> DatabaseError:
        """One line for what the driver raised."""
        self.close()
        settings = self.settings
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        text = str(error.args[1] if len(error.args) > 1 else error)
        where = f"{settings.host}:{settings.port}"
        known_as = re.search(r"'[^']*'@'[^']*'", text)  # the account that the server took us for
        account = known_as[0] if known_as else f"'{settings.user}'@'{settings.host}'"
        grant = (
            f'run on the PBX: mysql -e "GRANT SELECT ON {settings.database}.{settings.table} TO {account}"'
        )
        if code == ER.ACCESS_DENIED_ERROR:
            return DatabaseError(
                f"{where} refused user {settings.user!r} ({text})",
                "set cdr.user and cdr.password to what the database has",
                permanent=True,
            )
        if code in (ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR):
            problem = f"user {settings.user!r} may not read {settings.database}.{settings.table} ({text})"
            return DatabaseError(problem, grant, permanent=True)
        if code == ER.BAD_DB_ERROR:
            return DatabaseError(
                f"{where} has no database {settings.database!r}",
                "set cdr.database; FreePBX's is asteriskcdrdb",
                permanent=True,
            )
        if code == ER.NO_SUCH_TABLE:
            return DatabaseError(
                f"database {settings.database!r} has no table {settings.table!r}",
                "set cdr.table; FreePBX's is cdr",
                permanent=True,
            )
        if code in _UNREACHABLE or isinstance(error, UnicodeError):  # a host such as a..b
            return DatabaseError(
                f"{where} cannot be reached ({text})",
                "is MariaDB up (systemctl status mariadb), and are cdr.host and cdr.port right?",
            )
        if code == ER.HOST_NOT_PRIVILEGED:
            return DatabaseError(f"{where} takes no connection from here ({text})", grant, permanent=True)
        if code == ER.HOST_IS_BLOCKED:
            return DatabaseError(f"{where} has blocked us ({text})", "run on the PBX: mysqladmin flush-hosts")
        return DatabaseError(f"{where}: {text} ({code or type(error).__name__})", "it is tried again")
