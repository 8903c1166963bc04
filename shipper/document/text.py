"""Bytes that are no UTF-8: kept readable, never lost, and marked. And words that stay short."""


def readable(column: str, raw: bytes, problems: list[tuple[str, str]]) -> str:
    r"""Text of a column's bytes.

    Bytes that are no UTF-8 are taken for Windows-1252, which is what a phone or a trunk in Brazil
    sends when it does not send UTF-8; what that leaves undefined stays visible as ``\xNN``.

    Args:
        column: The column's name.
        raw: Its bytes.
        problems: Gets (tag, sentence) when the bytes were no UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        problems.append(("text_not_utf8", f"cdr.{column} is no UTF-8 at byte {error.start}"))
        return raw.decode("cp1252", "backslashreplace")


def brief(text: str, limit: int = 200) -> str:
    """A text for a message: its beginning, where it is longer than that many characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
