"""How an operator in Brazil reads figures: written a second time, from what the screens promise."""

import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

NOT_KNOWN = "—"
MINUS = "\N{MINUS SIGN}"
Value = int | Fraction | Decimal | float | None


def decimal(value: Value, places: int = 1) -> str:
    """`1.234,5`; half is rounded up, as it is stored."""
    if value is None:
        return NOT_KNOWN
    exact = Decimal(float(value))
    rounded = abs(exact).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded:,}".translate(str.maketrans(",.", ".,"))
    return f"{MINUS}{text}" if exact < 0 and rounded else text


def count(value: Value) -> str:
    return decimal(value, 0)


def share(value: Value) -> str:
    """`12,3%`."""
    return NOT_KNOWN if value is None else f"{decimal(float(value) * 100)}%"


def minutes(seconds: Value) -> str:
    return NOT_KNOWN if seconds is None else decimal(float(seconds) / 60, 0)


def money(value: Value) -> str:
    """`R$ 1.234,50`; a sum that ends in half a centavo keeps its third digit, see `same`."""
    if value is None:
        return NOT_KNOWN
    is_half = isinstance(value, Decimal) and value * 1_000 == int(value * 1_000) and value * 1_000 % 10 == 5
    return f"R$ {decimal(value, 3 if is_half else 2)}"


def same(shown: object, meant: object) -> bool:
    """Whether a screen shows what it has to: texts, or rows of them.

    A sum of floats may be on either side of half a centavo, where both roundings are right.
    """
    if isinstance(shown, str) and isinstance(meant, str):
        parts = re.split(r"(R\$ [\d.]+,\d{3})", meant)
        return re.fullmatch("".join(map(_either, parts)), shown) is not None
    if isinstance(shown, list | tuple) and isinstance(meant, list | tuple):
        return len(shown) == len(meant) and all(map(same, shown, meant))
    return shown == meant


def _either(part: str) -> str:
    if not re.fullmatch(r"R\$ [\d.]+,\d{3}", part):
        return re.escape(part)
    exact = Decimal(part.removeprefix("R$ ").replace(".", "").replace(",", "."))
    ways = (f"R$ {decimal(exact + step, 2)}" for step in (Decimal("-0.004"), Decimal("0.004")))
    return f"(?:{'|'.join(map(re.escape, ways))})"


def span(seconds: Value) -> str:
    """`1:02:03`."""
    if seconds is None:
        return NOT_KNOWN
    whole = int(float(seconds))
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def change(now: Value, before: Value, days: int) -> str:
    """By how much a figure differs from the one some days before; nothing where either is not known."""
    if now is None or not before:
        return ""
    return f"{_signed(float(now) / float(before) * 100 - 100, 0)}% ante {days} dias antes"


def points(now: Value, before: Value, days: int) -> str:
    """The same of shares: in points."""
    if now is None or before is None:
        return ""
    return f"{_signed((float(now) - float(before)) * 100, 1)} p.p. ante {days} dias antes"


def _signed(value: float, places: int) -> str:
    text = decimal(abs(value), places)
    return f"{MINUS if value < 0 and text.strip('0,') else '+'}{text}"
