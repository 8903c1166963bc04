"""What is told to a person, in both languages; a leaf module."""

from typing import Final, Literal, NamedTuple

Language = Literal["pt-BR", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("pt-BR", "en")


class Text(NamedTuple):
    """One thing that is told.

    Attributes:
        pt: in Brazilian Portuguese, for whoever installs.
        en: in English, for head office and for files.
    """

    pt: str
    en: str

    def spoken(self, language: Language) -> str:
        """In that language."""
        return self.en if language == "en" else self.pt

    def __add__(self, other: object) -> "Text":
        """One after the other, in each language."""
        if not isinstance(other, Text):
            return NotImplemented
        return Text(self.pt + other.pt, self.en + other.en)


def same(text: str) -> Text:
    """What needs no translation: a command, a path, another program's words."""
    return Text(text, text)


class InstallError(Exception):
    """Something that was not done.

    Args:
        problem: what is wrong, with the file or value that was met.
        hint: the command or setting that mends it.
        exit_code: 1 failed, 2 wrong usage.
    """

    def __init__(self, problem: Text, hint: Text | None = None, exit_code: int = 1) -> None:
        super().__init__(problem.en)
        self.problem = problem
        self.hint = hint
        self.exit_code = exit_code

    @property
    def text(self) -> Text:
        """Problem and hint on one line."""
        return self.problem if self.hint is None else self.problem + same("; ") + self.hint

    def __str__(self) -> str:
        return self.text.en
