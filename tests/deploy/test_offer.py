"""A store asks a real door for upgrades, and takes only what head office's key has signed for it."""

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.upgrades.signing import PUBLIC_NAME, public_text
from deploy.linux.offer import OfferError, Result, write_result
from deploy.linux.remembered import last_result
from tests.gate.upgrading import Office, Site, agent
from tests.shipper.proxy import Proxy
from tests.shipper.store import eventually

NEW = agent("0.2.0", 300_000)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "office")
    made.open()
    yield made
    made.close()


@pytest.fixture
def site(office: Office, tmp_path: Path) -> Site:
    return Site(office, tmp_path / "site")


def refused(site: Site, why: str, to: str, current: str = "0.1.0") -> None:
    """It is refused for that reason, nothing is left, and the heartbeat will say so."""
    with pytest.raises(OfferError) as caught:
        site.fetch(current)
    assert why in str(caught.value)
    assert str(caught.value).startswith("upgrade: ")
    found = site.result
    assert found is not None
    assert (found["from"], found["to"], found["state"]) == (current, to, "failed")
    assert why in found["message"]
    assert not (site.home / "fetched" / "shipper.pyz").exists()


def test_a_store_gets_what_it_is_offered(office: Office, site: Site) -> None:
    assert site.fetch() is None  # nothing is published
    office.publish(NEW, "Loja001")
    found = site.fetch()
    assert found == site.home / "fetched" / "shipper.pyz"
    assert found.read_bytes() == NEW.content
    assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
    assert site.result is None
    assert site.fetch("0.2.0") is None  # it has it


def test_nobody_else_gets_it(office: Office, site: Site, tmp_path: Path) -> None:
    other = Site(office, tmp_path / "other", "Loja002")
    office.publish(NEW, "Loja001")
    assert other.fetch() is None
    assert other.result is None
    office.publish(NEW, "Loja001", "Loja002")
    assert other.fetch() is not None
    office.files.halt()
    assert site.fetch() is None


def test_a_tampered_artefact(office: Office, site: Site) -> None:
    office.publish(NEW)
    content = bytearray(NEW.content)
    content[-1] ^= 1
    office.files.artefact("0.2.0").write_bytes(content)
    refused(site, "what came is not the 0.2.0 that was signed: its SHA-256 differs", "0.2.0")


def test_a_longer_artefact(office: Office, site: Site) -> None:
    office.publish(NEW)
    office.files.artefact("0.2.0").write_bytes(NEW.content + b"x")
    refused(site, f"more than the {len(NEW.content)} bytes came", "0.2.0")


def test_a_tampered_manifest(office: Office, site: Site) -> None:
    office.publish(NEW, "Loja002")
    body = json.loads(office.offer.read_text())
    body["manifest"] = body["manifest"].replace("Loja002", "Loja001")
    office.offer.write_text(json.dumps(body))
    refused(site, "the manifest is not signed with the key of", "unknown")


def test_a_manifest_signed_by_somebody_else(office: Office, site: Site) -> None:
    office.key = Ed25519PrivateKey.generate()
    office.folder.write(PUBLIC_NAME, public_text(office.key))
    office.publish(NEW)
    refused(site, "it is not head office's", "unknown")


def test_no_signature_at_all(office: Office, site: Site) -> None:
    office.publish(NEW)
    body = json.loads(office.offer.read_text())
    office.offer.write_text(json.dumps({**body, "signature": ""}))
    refused(site, "the manifest is not signed", "unknown")


def test_the_manifest_of_another_store(office: Office, tmp_path: Path) -> None:
    site = Site(office, tmp_path / "site", "Loja001", login="Loja002")
    office.publish(NEW, "Loja002")
    refused(site, "the manifest is for other stores, not for Loja001", "0.2.0")


def test_an_older_version(office: Office, site: Site) -> None:
    office.publish(NEW)
    refused(site, "0.2.0 is older than 0.10.0, which runs here", "0.2.0", current="0.10.0")
    first = site.spool / "upgrade.json"
    before = first.stat().st_ino
    with pytest.raises(OfferError):
        site.fetch("0.10.0")
    assert first.stat().st_ino == before  # the same refusal is written down once
    office.publish(NEW, allow_older=True)
    assert site.fetch("0.10.0") is not None


def test_an_old_manifest_does_not_come_back(office: Office, site: Site) -> None:
    office.publish(NEW)
    old = office.offer.read_text()
    office.publish(agent("0.2.1"))
    assert site.fetch() is not None
    office.offer.write_text(old)
    office.files.artefact("0.2.0").write_bytes(NEW.content)
    refused(site, "is an old one", "0.2.0")


def test_a_download_that_breaks_off(office: Office, site: Site) -> None:
    office.publish(agent("0.2.0", 3_000_000))
    with Proxy(office.settings.port) as proxy:
        text = site.config.read_text()
        site.config.write_text(text.replace(f"port = {office.settings.port}", f"port = {proxy.port}"))
        proxy.mode, proxy.bytes_per_second = "crawl", 400_000

        def cut() -> None:
            eventually(lambda: proxy.connections == 3, "the third file")
            time.sleep(0.5)
            proxy.cut()

        cutting = Thread(target=cut)
        cutting.start()
        refused(site, "it broke off", "0.2.0")
        cutting.join()
        proxy.mode = "pass"
        assert site.fetch() is not None  # the next hour


def test_what_failed_is_not_tried_again_until_there_is_another(office: Office, site: Site) -> None:
    office.publish(NEW, "Loja001")
    assert site.fetch() is not None
    write_result(site.spool, Result("2026-11-26T12:00:00Z", "0.1.0", "0.2.0", "rolled_back", "check failed"))
    assert site.fetch() is None
    office.publish(NEW, "Loja001", "Loja002")  # more stores, and the same file
    assert site.fetch() is None
    assert site.result == {"from": "0.1.0", "to": "0.2.0", "state": "rolled_back", "message": "check failed"}
    office.publish(agent("0.2.1"))
    assert site.fetch() is not None


def test_a_power_cut_in_the_middle_of_it_is_not_the_end(office: Office, site: Site) -> None:
    write_result(site.spool, Result("2026-11-01T12:00:00Z", "0.0.9", "0.1.0", "done", ""))
    office.publish(NEW)
    assert [site.fetch() is not None for _ in range(4)] == [True, True, True, False]


def test_upgrades_are_off_without_the_key(site: Site) -> None:
    (site.etc / "upgrade.pub").unlink()
    with pytest.raises(OfferError, match=r"upgrade\.pub is missing: upgrades from afar are off"):
        site.fetch()


def test_a_key_that_is_none(office: Office, site: Site) -> None:
    office.publish(NEW)
    (site.etc / "upgrade.pub").write_text("none")
    with pytest.raises(OfferError, match=r"upgrade\.pub is no public key"):
        site.fetch()


def test_a_wrong_token(office: Office, site: Site) -> None:
    office.publish(NEW)
    text = site.config.read_text()
    at = text.index('password = "', text.index("username"))
    site.config.write_text(f'{text[:at]}password = "wrong"\n' + text[text.index("[spool]") :])
    with pytest.raises(OfferError, match="does not know Loja001 with this token"):
        site.fetch()
    assert site.result is None


def test_nobody_there(office: Office, site: Site) -> None:
    office.close()
    with pytest.raises(OfferError, match=r"cannot be asked for it \(Connection refused\)"):
        site.fetch()
    assert site.result is None


def test_another_authority(site: Site, tmp_path: Path) -> None:
    other = Office(tmp_path / "another")
    (site.etc / "ca.pem").write_text(other.folder.read("ca.pem"))
    with pytest.raises(OfferError, match=r"certificate of localhost:.* was rejected"):
        site.fetch()


def test_without_openssl(office: Office, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    office.publish(NEW)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OfferError, match=r"openssl is missing: .*; apt-get install openssl"):
        site.fetch()


def test_a_store_that_sends_straight_to_the_cluster(site: Site) -> None:
    text = site.config.read_text().replace('kind = "forward"', 'kind = "opensearch"')
    site.config.write_text(text)
    with pytest.raises(OfferError, match="upgrades come through head office's gate"):
        site.fetch()


def test_client_certificates(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", client_certificates=True)
    office.open()
    try:
        site = Site(office, tmp_path / "site")
        office.publish(NEW)
        assert site.fetch() is not None
        text = site.config.read_text()
        lines = [line for line in text.splitlines() if "client_certificate" not in line]
        site.config.write_text("\n".join(lines))
        with pytest.raises(OfferError):
            site.fetch()
    finally:
        office.close()


def test_a_memory_that_is_broken_is_none(office: Office, site: Site) -> None:
    (site.home / "offer.json").write_text('{"published": ["x"]}')
    office.publish(NEW)
    assert site.fetch() is not None


def test_no_link_of_the_agent_is_followed(site: Site, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for name in ("upgrade.json", ".upgrade.json.new"):
        (site.spool / name).symlink_to(victim)
    result = Result("2026-11-26T12:00:00Z", "0.1.0", "0.2.0", "done", "")
    before = os.umask(0o077)
    try:
        write_result(site.spool, result)
    finally:
        os.umask(before)
    assert victim.read_text() == "untouched"
    assert last_result(site.spool) == result
    assert stat.S_IMODE((site.spool / "upgrade.json").stat().st_mode) == 0o644


def test_a_version_that_does_not_compare(office: Office, site: Site) -> None:
    office.publish(NEW)
    refused(site, "'0.3.0.dev1' is no version", "0.2.0", current="0.3.0.dev1")
