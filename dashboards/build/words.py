"""The two languages of the screens."""

from enum import Enum
from typing import Any, Final


class Language(Enum):
    """A language that the screens come in; the value is its BCP 47 tag, as `--language` takes it."""

    PT = "pt-BR"
    EN = "en"


_LOCALES: Final[dict[Language, dict[str, Any]]] = {
    Language.PT: {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["R$ ", ""]},
    Language.EN: {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["R$ ", ""]},
}
_WEEKDAYS: Final = {
    Language.PT: ("Seg", "Ter", "Qua", "Qui", "Sex", "Sáb", "Dom"),
    Language.EN: ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_DAY: Final = {Language.PT: "%d/%m", Language.EN: "%d %b"}


class Say:
    """Chooses between two wordings.

    Args:
        language: the one in which the screens are built.
    """

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, portuguese: str, english: str) -> str:
        """Give the wording of the language."""
        return portuguese if self.language is Language.PT else english

    @property
    def number_locale(self) -> dict[str, Any]:
        """How numbers and money are written, as d3-format and Vega's `config.locale` take it."""
        return _LOCALES[self.language]

    @property
    def weekdays(self) -> tuple[str, ...]:
        """Short names of the days, Monday first, as `local.weekday` counts them."""
        return _WEEKDAYS[self.language]

    @property
    def day_format(self) -> str:
        """How a day is written on an axis, as d3-time-format takes it."""
        return _DAY[self.language]
