"""How a call's seconds and amount are reckoned, a second time: from the rules' text, step by step."""

from fractions import Fraction


def by_steps(seconds: int, minimum: int, increment: int, free: int) -> int:
    """Count the seconds billed of a call up until it fits."""
    if seconds <= free:
        return 0
    billed = minimum
    while billed < seconds:
        billed += increment
    return billed


def exact_price(connection: object, per_minute: object, seconds: int) -> Fraction:
    """Give what so many seconds cost that no bundle pays; prices are whatever prints as a number."""
    return Fraction(str(connection)) + Fraction(str(per_minute)) / 60 * seconds if seconds else Fraction(0)


def half_up(exact: Fraction, decimals: int) -> str:
    """Round by cutting and comparing what is left, on text."""
    unit = 10**decimals
    whole, rest = divmod(exact.numerator * unit, exact.denominator)
    if 2 * rest >= exact.denominator:
        whole += 1
    digits = str(whole).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}"
