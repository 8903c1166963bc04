"""A record's proof, against computations that share nothing with the agent's."""

import hashlib
import math
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.outputs.proof import FIELD, prover

BLOCK = 64  # bytes of SHA-256's input block
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)


def hmac_by_hand(key: bytes, message: bytes) -> str:
    """RFC 2104 in its own words; a key of ours is never longer than a block."""
    padded = key.ljust(BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).hexdigest()


def record(store: str, event: str, **more: Any) -> dict[str, Any]:
    return {"store": {"id": store}, "event": {"id": event, **more}}


@given(token=texts, store=texts, event=texts, sequence=st.none() | st.integers(0, 2**53), tag=texts)
def test_it_is_an_hmac_of_who_what_which_state_and_where(
    token: str, store: str, event: str, sequence: int | None, tag: str
) -> None:
    more = {} if sequence is None else {"sequence": sequence}
    number = "" if sequence is None else str(sequence)
    message = b"\n".join(part.encode() for part in (store, event, number, tag))
    expected = hmac_by_hand(hashlib.sha256(b"pabx-proof:" + token.encode()).digest(), message)[:32]
    assert prover(token)(record(store, event, **more), tag) == expected


@pytest.mark.parametrize(
    ("found", "tag", "expected"),
    [
        (record("Loja001", "a" * 32), "pabx.cdr", "df13a2fcab93a0acb545752b92796bd2"),
        (record("Loja001", "a" * 32, sequence=7), "pabx.calls", "36c9c6610c3c349ad2f804253ec2f063"),
    ],
)
def test_it_never_changes(found: dict[str, Any], tag: str, expected: str) -> None:
    """Head office has to compute the same for as long as there are agents of this version."""
    assert prover("t\u00f6k\u00e9n")(found, tag) == expected


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on PATH")
def test_openssl_says_the_same() -> None:
    key = hashlib.sha256(b"pabx-proof:token").hexdigest()
    command = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key}"]
    done = subprocess.run(command, input=b"Loja001\nabc\n12\npabx.audit", capture_output=True, check=True)
    digest = done.stdout.split()[-1].decode()
    assert prover("token")(record("Loja001", "abc", sequence=12), "pabx.audit") == digest[:32]


@given(sequence=st.integers(2**53, 2**63 - 1))
def test_a_sequence_is_written_as_a_double_says_it(sequence: int) -> None:
    """The filter's language has no other numbers: beyond 2**53 both sides round in the same way."""
    spoken = int(math.ldexp(*math.frexp(sequence)))
    prove = prover("token")
    assert prove(record("Loja001", "abc", sequence=sequence), "t") == prove(
        record("Loja001", "abc", sequence=spoken), "t"
    )
    assert (
        prove(record("Loja001", "abc", sequence=spoken), "t")
        == (
            hmac_by_hand(hashlib.sha256(b"pabx-proof:token").digest(), f"Loja001\nabc\n{spoken}\nt".encode())[
                :32
            ]
        )
    )


@pytest.mark.parametrize(
    ("changed", "tag", "token"),
    [
        (record("Loja002", "abc", sequence=1), "pabx.calls", "token"),
        (record("Loja001", "abd", sequence=1), "pabx.calls", "token"),
        (record("Loja001", "abc", sequence=2), "pabx.calls", "token"),
        (record("Loja001", "abc"), "pabx.calls", "token"),
        (record("Loja001", "abc", sequence=1), "pabx.cdr", "token"),
        (record("Loja001", "abc", sequence=1), "pabx.calls", "another"),
    ],
    ids=["store", "id", "sequence", "no sequence", "tag", "token"],
)
def test_whatever_is_another_has_another_proof(changed: dict[str, Any], tag: str, token: str) -> None:
    right = prover("token")(record("Loja001", "abc", sequence=1), "pabx.calls")
    assert prover(token)(changed, tag) != right


def test_it_reads_only() -> None:
    found = record("Loja001", "abc", sequence=1)
    proof = prover("token")(found, "pabx.calls")
    assert FIELD == "proof"
    assert found == record("Loja001", "abc", sequence=1)
    assert len(proof) == 32
    assert set(proof) <= set("0123456789abcdef")
