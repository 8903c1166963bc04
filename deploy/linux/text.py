"""What is told to a person, in both languages; a leaf module."""

import errno
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


def english(text: str) -> Text:
    """Another program's English words, which say nothing to whoever installs: for head office alone."""
    return Text("", text)


_REASONS: Final = {
    errno.ENOENT: Text("não existe", "it does not exist"),
    errno.EACCES: Text("sem permissão", "no permission"),
    errno.EPERM: Text("sem permissão", "no permission"),
    errno.ENOTDIR: Text("não é uma pasta", "not a directory"),
    errno.EISDIR: Text("é uma pasta", "it is a directory"),
    errno.ENOSPC: Text("o disco está cheio", "the disk is full"),
    errno.EROFS: Text("o disco está só para leitura", "the disk is read-only"),
    errno.EIO: Text("erro do disco", "an error of the disk"),
}


def reason(error: OSError) -> Text:
    """Why a file cannot be used; the system's own words where they are rare."""
    return _REASONS.get(error.errno or 0, same(error.strerror or str(error)))


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
