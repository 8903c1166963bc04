"""What tells who it was does not leave the store; what joins and counts rows does."""

import csv
import hmac
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.document.privacy import Privacy
from shipper.numbering import reader
from shipper.schema import load

ROWS = Path(__file__).parents[1] / "data" / "asterisk-22" / "cdr.csv"
KEY = "a secret of the chain"
MOBILE = "h" + hmac.digest(KEY.encode(), b"+5511987654321", "sha256").hex()[:32]
JOSE = "n" + hmac.digest(KEY.encode(), "josé da silva".encode(), "sha256").hex()[:32]


numbers = reader("BR", "11")
CLEAR = Privacy("clear", "", numbers)
MASKED = Privacy("masked", "", numbers)
HASHED = Privacy("hashed", KEY, numbers)


def test_in_clear_nothing_is_touched() -> None:
    row = {"src": "11987654321", "cnam": "José da Silva", "column of the site": "x"}
    assert CLEAR.columns(row) is row
    assert (CLEAR.active, MASKED.active, HASHED.active) == (False, True, True)
    assert CLEAR.number("11987654321") == "11987654321"
    assert CLEAR.name("José da Silva") == "José da Silva"


def test_a_hash_needs_a_key_and_a_mode_must_exist() -> None:
    with pytest.raises(ValueError, match=r"privacy\.key is empty"):
        Privacy("hashed", "", numbers)
    with pytest.raises(ValueError, match=r"privacy\.mode 'hidden' is not one of clear, masked, hashed"):
        Privacy("hidden", "", numbers)


@pytest.mark.parametrize(
    "spelling",
    [
        "11987654321",
        "011987654321",
        "01511987654321",
        "5511987654321",
        "+5511987654321",
        "+55 (11) 98765-4321",
        "987654321",
        "98765-4321",
    ],
)
def test_every_spelling_of_a_number_has_one_hash(spelling: str) -> None:
    assert HASHED.number(spelling) == MOBILE
    assert len(MOBILE) == 33


def test_what_is_known_in_international_form_is_not_read_again() -> None:
    assert HASHED.number("7654321", "+5511987654321") == MOBILE
    assert HASHED.number("7654321") != MOBILE


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("11990262837", "*******2837"),
        ("+55 (11) 99026-2837", "+** (**) *****-2837"),
        ("3334444", "***4444"),
        ("FMGL-11990262837#", "FMGL-*******2837#"),
        ("*7211990262837", "*72*******2837"),
        ("١١٩٨٧٦٥٤٣٢١", "*******٤٣٢١"),
    ],
)
def test_the_last_four_digits_stay_when_masked(number: str, masked: str) -> None:
    assert MASKED.number(number) == masked


@pytest.mark.parametrize("text", ["", "100", "333444", "190", "anonymous", "s", "*97", "vmu100", "queue-10"])
@pytest.mark.parametrize("privacy", [MASKED, HASHED])
def test_extensions_services_and_words_stay(privacy: Privacy, text: str) -> None:
    assert privacy.number(text) == text
    assert privacy.columns({"src": text, "dst": text}) == {"src": text, "dst": text}


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("José da Silva", "J. D. S."),
        ("Vendas:11990262837", "V."),
        ('Dan "The Man" D', "D. T. M. D."),
        ("東京 Éloïse", "東. É."),
        ("—", "*"),
        ("", ""),
        (" ", " "),
        ("100", "100"),
        ("11990262837", "*******2837"),
    ],
)
def test_a_name_becomes_its_initials(name: str, masked: str) -> None:
    assert MASKED.name(name) == masked


def test_a_name_has_one_hash_in_any_case_and_spacing() -> None:
    assert HASHED.name("José da Silva") == JOSE
    assert HASHED.name(" JOSÉ  DA SILVA") == JOSE
    assert HASHED.name("11 98765-4321") == MOBILE


def test_another_key_gives_another_hash() -> None:
    assert Privacy("hashed", "another", numbers).number("11987654321") != MOBILE


OUTBOUND = {
    "calldate": "2026-11-23 00:13:13",
    "clid": '"Acme" <1133334444>',
    "src": "1133334444",
    "dst": "011987654321",
    "dcontext": "from-internal",
    "channel": "PJSIP/100-00000048",
    "dstchannel": "PJSIP/1133334444-00000002",
    "lastapp": "Dial",
    "lastdata": "PJSIP/011987654321@vivo,45,Ttb(func^s^1)",
    "duration": 6,
    "uniqueid": "1795410793.86",
    "recordingfile": "out-011987654321-100-20261123-001313-1795410793.86.wav",
    "cnum": "100",
    "cnam": "Alice Martin",
    "outbound_cnum": "1133334444",
    "outbound_cnam": "Acme",
    "dst_cnam": "José da Silva",
    "linkedid": "1795410793.86",
    "sequence": 105,
}


def test_an_outbound_row_masked() -> None:
    assert MASKED.columns(OUTBOUND) == {
        **OUTBOUND,
        "dst": "********4321",
        "lastdata": "PJSIP/********4321@vivo,45,Ttb(func^s^1)",
        "recordingfile": "out-********4321-100-20261123-001313-1795410793.86.wav",
        "cnam": "A. M.",
        "dst_cnam": "J. D. S.",
    }


def test_an_outbound_row_hashed() -> None:
    assert HASHED.columns(OUTBOUND) == {
        **OUTBOUND,
        "dst": MOBILE,
        "lastdata": f"PJSIP/{MOBILE}@vivo,45,Ttb(func^s^1)",
        "recordingfile": f"out-{MOBILE}-100-20261123-001313-1795410793.86.wav",
        "cnam": HASHED.name("Alice Martin"),
        "dst_cnam": JOSE,
    }


INBOUND = {
    "clid": '"José da Silva" <11987654321>',
    "src": "11987654321",
    "dst": "100",
    "channel": "PJSIP/vivo-0000001c",
    "dstchannel": "Local/11912345678@from-internal-00000000;1",
    "lastdata": "PJSIP/100/sip:100@10.200.30.40:5100&Local/11912345678@from-internal/n,8,Ttr",
    "userfield": "José da Silva, tel (11) 98765-4321 ou 3333-1111",
    "accountcode": "52998224725",
    "did": "1133334444",
    "recordingfile": "in-1133334444-11987654321-20261123-001051-pbx-1795410651.28.wav",
    "cnum": "11987654321",
    "cnam": "José da Silva",
}


def test_an_inbound_row_hashed() -> None:
    member = HASHED.number("11912345678")
    assert HASHED.columns(INBOUND) == {
        "clid": f'"{JOSE}" <{MOBILE}>',
        "src": MOBILE,
        "dst": "100",
        "channel": "PJSIP/vivo-0000001c",
        "dstchannel": f"Local/{member}@from-internal-00000000;1",
        "lastdata": f"PJSIP/100/sip:100@10.200.30.40:5100&Local/{member}@from-internal/n,8,Ttr",
        "userfield": f"{JOSE}, tel {MOBILE} ou {HASHED.number('33331111')}",
        "accountcode": HASHED.number("52998224725"),
        "did": "1133334444",
        "recordingfile": f"in-1133334444-{MOBILE}-20261123-001051-pbx-1795410651.28.wav",
        "cnum": MOBILE,
        "cnam": JOSE,
    }


@pytest.mark.parametrize(
    ("channel", "masked"),
    [
        ("PJSIP/vivo-0000001c", "PJSIP/vivo-0000001c"),
        ("PJSIP/1133334444-00000002", "PJSIP/1133334444-00000002"),
        ("SIP/100-12345678", "SIP/100-12345678"),
        ("Local/100@from-queue-00000002;2", "Local/100@from-queue-00000002;2"),
        (
            "Local/RG-600-11987654321@from-internal-10000000;2",
            "Local/RG-600-*******4321@from-internal-10000000;2",
        ),
        ("Local/FMGL-11987654321#@ext-12345678;1", "Local/FMGL-*******4321#@ext-12345678;1"),
        ("DAHDI/1-1", "DAHDI/1-1"),
        ("DAHDI/i1/11987654321-5", "DAHDI/i1/*******4321-5"),
    ],
)
def test_of_a_channel_only_what_was_dialled_is_replaced(channel: str, masked: str) -> None:
    assert MASKED.columns({"channel": channel, "dstchannel": channel}) == {
        "channel": masked,
        "dstchannel": masked,
    }


def test_a_channel_is_the_same_in_rows_with_and_without_the_number_as_their_own() -> None:
    channel = "Local/1133334444@from-internal-00000001;1"
    one = HASHED.columns({"channel": channel, "did": "1133334444"})
    assert one["channel"] == HASHED.columns({"channel": channel, "src": "100"})["channel"]


@pytest.mark.parametrize(
    ("clid", "masked"),
    [
        ('"" <11987654321>', '"" <*******4321>'),
        ('"11987654321" <11987654321>', '"*******4321" <*******4321>'),
        ('"O\\"Brien, \\\\ \\"Pat\\" <x>" <11987654321>', '"O. P. X." <*******4321>'),
        ('"Dan "The Man" D" <103>', '"D. T. M. D." <103>'),
        ('"Anonymous" <anonymous>', '"A." <anonymous>'),
        ('"Maria das Dores que tem um nome lon', "M. D. D. Q. T. U. N. L."),
        ('"Maria Silva" <1198765432', '"M. S." <******5432'),
        ('"x" <Maria Silva', '"X." <M. S.>'),
        ("11987654321", "*******4321"),
        ("<11987654321>", "*******4321"),
        ("Maria Silva", "M. S."),
        ("", ""),
    ],
)
def test_a_caller_id_cut_off_or_odd(clid: str, masked: str) -> None:
    if masked.endswith("5432"):
        masked += ">"
    assert MASKED.columns({"clid": clid, "src": "anonymous"})["clid"] == masked


def test_a_forwarded_caller_shown_to_the_outside_is_no_number_of_the_store() -> None:
    row = {"cnum": "11987654321", "cnam": "José da Silva", "did": "1133334444"}
    passed_on = {"outbound_cnum": "+5511987654321", "outbound_cnam": "José da Silva"}
    assert HASHED.columns({**row, **passed_on}) == {
        "cnum": MOBILE,
        "cnam": JOSE,
        "did": "1133334444",
        "outbound_cnum": MOBILE,
        "outbound_cnam": JOSE,
    }


def test_columns_of_the_site_stay_in_the_store() -> None:
    assert MASKED.columns({"src": "100", "customer": "José", "cpf": "52998224725"}) == {"src": "100"}


def test_an_integer_where_a_text_belongs() -> None:
    assert MASKED.columns({"dst": 11987654321, "duration": 11987654321}) == {
        "dst": "*******4321",
        "duration": 11987654321,
    }


KEPT = {"calldate", "dcontext", "lastapp", "duration", "billsec", "disposition", "amaflags"}
KEPT |= {"linkedid", "uniqueid", "sequence", "did", "outbound_cnum", "outbound_cnam"}


@pytest.mark.parametrize("privacy", [MASKED, HASHED])
def test_the_recorded_rows(privacy: Privacy) -> None:
    with ROWS.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = [{name: text for name, text in row.items() if text} for row in csv.DictReader(file)]
    for row in rows:
        result = privacy.columns(row)
        assert result.keys() == row.keys() - {"_ins_id", "_ins_time"}
        assert {name: result[name] for name in KEPT & row.keys()} == {
            name: row[name] for name in KEPT & row.keys()
        }
        own = {row.get("did"), row.get("outbound_cnum")}
        outside = {row[name] for name in ("src", "dst", "cnum") if len(row.get(name, "")) >= 7} - own
        rest = " ".join(text for name, text in result.items() if name not in KEPT)
        assert not outside & set(re.findall(r"\d+", rest))
        assert row.get("cnam", "no name at all") not in rest or row["cnam"] == row["src"] == "s"
        for name in ("channel", "dstchannel"):
            if not row.get(name, "").startswith("Local/12125550101@"):
                assert result.get(name) == row.get(name)


ALL = list(load("cdr")["properties"]["cdr"]["properties"])
anything = st.dictionaries(st.sampled_from([*ALL, "cpf"]), st.one_of(st.text(), st.integers()))


@given(anything)
def test_no_text_is_too_odd(row: dict[str, Any]) -> None:
    for privacy in (MASKED, HASHED):
        result = privacy.columns(row)
        assert result.keys() == row.keys() - {"cpf"}
        kept = KEPT & row.keys() - {"outbound_cnum", "outbound_cnam"}
        assert {name: result[name] for name in kept} == {name: row[name] for name in kept}


number = st.one_of(
    st.from_regex(r"\+?[1-9][0-9]{6,14}", fullmatch=True),
    st.from_regex(r"(\+55 )?\([1-9][0-9]\) 9[0-9]{4}-[0-9]{4}", fullmatch=True),
)
name = st.text("çéãØßabcdeXYZ'\"\\<> ", min_size=3).filter(lambda text: len(text.strip()) > 5)


@given(src=number, dst=number, cnum=number, cnam=name, dst_cnam=name, data=st.data())
def test_nothing_of_the_persons_is_left(
    src: str, dst: str, cnum: str, cnam: str, dst_cnam: str, data: st.DataObject
) -> None:
    part = st.sampled_from([src, dst, cnum, cnam, dst_cnam, ",", "/", " ", "@", "-", "PJSIP/", "100"])
    free = st.lists(part).map(",".join)
    row = {"src": src, "dst": dst, "cnum": cnum, "cnam": cnam, "dst_cnam": dst_cnam}
    escaped = cnam.replace("\\", "\\\\").replace('"', '\\"')
    row["clid"] = f'"{escaped}" <{src}>'
    row["lastdata"], row["userfield"], row["accountcode"] = (data.draw(free) for _ in range(3))
    row["recordingfile"] = f"in-{dst}-{src}-20261123-001051-1795410651.28.wav"
    row["channel"] = f"Local/{data.draw(st.sampled_from([src, dst, cnum]))}@from-internal-0000001c;2"
    row["uniqueid"] = "1795410651.28"
    for privacy in (MASKED, HASHED):
        result = privacy.columns(row)
        assert result["uniqueid"] == "1795410651.28"
        del result["uniqueid"]
        result["recordingfile"] = result["recordingfile"].removesuffix("-20261123-001051-1795410651.28.wav")
        # The hexadecimal digits of a hash are no number.
        text = re.sub(r"\b[hn][0-9a-f]{32}\b", "#", " ".join(result.values()))
        digits = {re.sub(r"\D", "", number) for number in (src, dst, cnum)}
        assert not digits & set(re.findall(r"\d+", text))
        for written in (src, dst, cnum, cnam, dst_cnam):
            assert written not in text
