"""The preview's Markdown: what we write, and nothing that a stranger could."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.preview import markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "# Ajuda\ntexto **forte** e *leve*",
            "<h3>Ajuda</h3>\n<p>texto <strong>forte</strong> e <em>leve</em></p>",
        ),
        (
            "[Custos](#/view/pabx-costs) · **Picos**",
            '<p><a href="#/view/pabx-costs">Custos</a> · <strong>Picos</strong></p>',
        ),
        ("- um\n- `dois`", "<ul><li>um</li><li><code>dois</code></li></ul>"),
        (
            "[a](https://b.example/?c=1&d)",
            '<p><a href="https://b.example/?c=1&amp;d" rel="noopener noreferrer" target="_blank">a</a></p>',
        ),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("call.billable_seconds e call.talk_seconds", "<p>call.billable_seconds e call.talk_seconds</p>"),
    ],
)
def test_markdown_becomes_html(text: str, html: str) -> None:
    assert markdown.html(text) == html


class Tags(HTMLParser):
    """Notes each tag with its attributes, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(alphabet="ab <>&\"'`*_[]()#-/:\\\njavscriptonerhef="))
def test_no_markdown_makes_a_tag_that_is_not_ours(text: str) -> None:
    parsed = Tags()
    parsed.feed(markdown.html(text))
    parsed.close()
    assert {tag for tag, _ in parsed.tags} <= {
        "p",
        "ul",
        "li",
        "h3",
        "h4",
        "h5",
        "h6",
        "strong",
        "em",
        "code",
        "a",
    }
    for _, attributes in parsed.tags:
        assert {name for name, _ in attributes} <= {"href", "rel", "target"}
        assert all(
            re.match(r"#/|https?://", unescape(value or "")) for name, value in attributes if name == "href"
        )
