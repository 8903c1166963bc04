"""Which calls are rated in a run: what is pending, or a period anew. Reads and writes the cluster."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from opensearchpy import OpenSearch

from central.calls.cluster import MERGED, Writer
from central.client import Connection
from central.rating.calls import Calls, Decision, Found
from central.rating.rate import Account, Bundles, Match, accounts_of, charge, match
from central.rating.report import Report
from central.rating.tariffs import Tariffs

_BILLABLE: Final = {"range": {"call.billable_seconds": {"gt": 0}}}
_COST: Final = {"exists": {"field": "call.cost.amount"}}
_UNRATED: Final = {"exists": {"field": "call.unrated"}}


@dataclass(frozen=True)
class Period:
    """Days by the stores' calendars.

    Attributes:
        since: the first one.
        until: the last one, included; None: no end.
    """

    since: date
    until: date | None

    def holds(self, day: date | None) -> bool:
        """Tell whether a day is one of them."""
        return day is not None and self.since <= day and (self.until is None or day <= self.until)

    def in_months(self) -> "Period":
        """Give the whole months of it: those that a bundle counts."""
        until = self.until
        if until is not None:
            until = until.replace(day=calendar.monthrange(until.year, until.month)[1])
        return Period(self.since.replace(day=1), until)


def rate_calls(
    client: OpenSearch, connection: Connection, tariffs: Tariffs, period: Period | None, *, dry_run: bool
) -> Report:
    """Rate calls and write what differs.

    Args:
        client: connected.
        connection: for what a failure says.
        tariffs: the file.
        period: its calls are rated anew; None: what is pending, and the bundles that it touches.
        dry_run: writes nothing.

    Returns:
        What was found, or with `dry_run` would be done.

    Raises:
        CentralError: the cluster fails or refuses it; what was written until then stays.
    """
    calls = Calls(client, connection)
    report = Report(tariffs.currency, tariffs.decimals, dry_run=dry_run)
    run = _Run(calls, tariffs, report)
    calls.refresh()
    if period is None:
        run.month(run.pending())
    else:
        run.period(period)
    run.writer.flush()
    if report.changed and not dry_run:
        calls.refresh()  # else a run right after this one would read what was before
    return report


class _Run:
    def __init__(self, calls: Calls, tariffs: Tariffs, report: Report) -> None:
        self._calls = calls
        self._tariffs = tariffs
        self._report = report
        self._bundles = Bundles()
        self.writer = Writer[tuple[Found, Decision]](
            None if report.dry_run else calls.write, lambda item, written: report.count_write(*item, written)
        )

    def pending(self) -> set[Account]:
        """Rate what has no cost and needs no bundle.

        Returns:
            The bundles to be counted anew: those that pay for a pending call, and all that a call may have
            used before its store wrote it again, since its trunk or category may be another one now.
        """
        touched: set[Account] = set()
        for found in self._calls.scan(_query([_BILLABLE, {"bool": {"should": [_not(_COST), _UNRATED]}}])):
            price = match(self._tariffs, found.call)
            if isinstance(price, Match) and price.account is not None:
                touched.add(price.account)
            else:
                decision = self._decide(found, price)
                self._settle(found, decision)
                if found.has(decision):
                    continue
            touched.update(accounts_of(self._tariffs, found.call))
        return touched

    def month(self, accounts: set[Account]) -> None:
        """Rate all calls of some bundles, in their order."""
        if not accounts:
            return
        months = sorted({account.month for account in accounts})
        filters: list[dict[str, Any]] = [_BILLABLE, {"bool": {"should": [_days(_month(m)) for m in months]}}]
        stores = {account.store for account in accounts}
        if "" not in stores:
            filters.append({"terms": {"store.id": sorted(stores)}})
        for found in self._calls.scan(_query(filters)):
            price = match(self._tariffs, found.call)
            if isinstance(price, Match) and price.account in accounts:
                self._settle(found, self._decide(found, price))

    def period(self, period: Period) -> None:
        """Rate all calls of a period; where there are bundles, count them from the month's first call."""
        bundled = any(plan.bundle for plan in self._tariffs.plans)
        read = period.in_months() if bundled else period
        # Whoever has a cost is looked at too: one without billable seconds must lose it.
        some = {"bool": {"should": [_BILLABLE, _COST, _UNRATED]}}
        for found in self._calls.scan(_query([some, _days(read)])):
            price = match(self._tariffs, found.call)
            if period.holds(found.call.day):
                self._settle(found, self._decide(found, price))
            elif isinstance(price, Match) and price.account and not found.has(self._decide(found, price)):
                self._report.count_outside(found)

    def _decide(self, found: Found, price: Any) -> Decision:
        if isinstance(price, Match):
            return charge(self._tariffs, price, found.call.seconds, self._bundles)
        decision: Decision = price
        return decision

    def _settle(self, found: Found, decision: Decision) -> None:
        if found.has(decision):
            self._report.count(found, decision)
        else:
            self.writer.add((found, decision))


def _query(filters: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"filter": list(filters), "must_not": [MERGED]}}


def _not(query: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"must_not": [query]}}


def _month(month: str) -> Period:
    first = date.fromisoformat(f"{month}-01")
    return Period(first, first).in_months()


def _days(period: Period) -> dict[str, Any]:
    last = {} if period.until is None else {"lte": str(period.until)}
    return {"range": {"local.date": {"gte": str(period.since), **last}}}
