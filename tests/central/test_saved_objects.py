"""The import of the dashboards: what is read, compared, sent, and believed only when it is read back.

OpenSearch Dashboards cannot be had in a test run: see `fake_dashboards` for what stands in for it.
"""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from central.client import Connection
from central.errors import CentralError, MissingAssetsError, UsageError
from central.plan import Action, Step
from central.saved_objects import files, importing
from central.saved_objects.compare import comparable
from central.saved_objects.files import SavedObject, load, read
from central.saved_objects.server import Server, checked_url
from compose.stack import OpenSearchCluster
from tests.central.fake_dashboards import LARGEST, Answer, FakeDashboards, serving
from tests.central.outcome import Outcome

Central = Callable[..., Outcome]
PLAIN = Connection("http://cluster:9200")
FIELDS = [
    {"count": 0, "name": "@timestamp", "type": "date"},
    {"count": 0, "name": "store.id", "type": "string"},
]
SOURCE = {"query": {"query": "", "language": "lucene"}, "filter": []}
PATTERN = {
    "name": "kibanaSavedObjectMeta.searchSourceJSON.index",
    "type": "index-pattern",
    "id": "pabx-calls",
}


def line(kind: str, name: str, attributes: dict[str, Any], *references: dict[str, str], **more: Any) -> str:
    body = {"type": kind, "id": name, "attributes": attributes, "references": [*references], **more}
    return json.dumps(body, ensure_ascii=False)


def lines(title: str = "Visão geral") -> list[str]:
    """Three objects, as small as can be."""
    panel = {"name": "panel_0", "type": "visualization", "id": "pabx-overview-calls"}
    state = {"title": title, "type": "metric", "params": {"a": 1, "b": 2}, "aggs": []}
    meta = {"searchSourceJSON": json.dumps(SOURCE)}
    return [
        line("index-pattern", "pabx-calls", {"title": "pabx-calls-*", "fields": json.dumps(FIELDS)}),
        line(
            "visualization",
            "pabx-overview-calls",
            {"title": title, "visState": json.dumps(state), "kibanaSavedObjectMeta": meta},
            PATTERN,
        ),
        line("dashboard", "pabx-overview", {"title": title, "panelsJSON": "[]"}, panel),
    ]


KEYS = [
    ("index-pattern", "pabx-calls"),
    ("visualization", "pabx-overview-calls"),
    ("dashboard", "pabx-overview"),
]


def write(folder: Path, texts: list[str], language: str = "pt-BR") -> Path:
    path = folder / f"pabx.{language}.ndjson"
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


@pytest.fixture
def objects(tmp_path: Path) -> list[SavedObject]:
    return read(write(tmp_path, lines()))


@pytest.fixture
def fake() -> Iterator[FakeDashboards]:
    with serving(FakeDashboards()) as running:
        yield running


def bring(fake: FakeDashboards, objects: list[SavedObject], connection: Connection = PLAIN) -> list[Step]:
    """Everything that `central install` does with it."""
    server = Server(fake.url, connection)
    assert server.version() == "2.8.0"
    planned = importing.plan(server, objects, "pt-BR")
    importing.apply(server, objects, planned)
    return planned


def failure(fake: FakeDashboards, objects: list[SavedObject], connection: Connection = PLAIN) -> str:
    """The line with which it fails, without the address that it begins with."""
    with pytest.raises(CentralError) as error:
        bring(fake, objects, connection)
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith(fake.url)
    return text.removeprefix(fake.url).removeprefix(":").strip()


class TestFiles:
    def test_a_language_is_read(self, tmp_path: Path) -> None:
        path = write(tmp_path, lines(), "en")
        found = load("en", [tmp_path / "absent", tmp_path])
        assert [one.key for one in found] == KEYS
        assert [one.line for one in found] == lines()
        assert found == read(path)

    def test_a_line_separator_inside_a_text_ends_no_line(self, tmp_path: Path) -> None:
        (one,) = read(write(tmp_path, [line("query", "pabx-query-a", {"title": "a\u2028b\x85c"})]))
        assert one.attributes["title"] == "a\u2028b\x85c"

    def test_the_file_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(MissingAssetsError) as error:
            load("en", [tmp_path, tmp_path / "a"])
        assert str(error.value) == (
            f"pabx.en.ndjson is missing in {tmp_path} and {tmp_path / 'a'}: "
            "install the package again, or run: make generate"
        )

    @pytest.mark.parametrize("text", ["{", "[]", "{}", '{"type": "query"}', ""])
    def test_a_line_that_is_none(self, tmp_path: Path, text: str) -> None:
        path = write(tmp_path, [*lines(), text])
        with pytest.raises(CentralError, match="line 4 is no saved object") as error:
            read(path)
        assert str(path) in str(error.value)

    def test_twice_the_same(self, tmp_path: Path) -> None:
        path = write(tmp_path, [*lines(), lines()[0]])
        with pytest.raises(CentralError, match="index-pattern pabx-calls is there twice"):
            read(path)


class TestComparison:
    def test_spaces_and_order_inside_json_do_not_count(self) -> None:
        ours = {"attributes": {"visState": '{"title":"a","aggs":[]}'}, "references": []}
        theirs = {"attributes": {"visState": '{"aggs": [], "title": "a"}'}, "references": [], "version": "W"}
        assert comparable("visualization", ours) == comparable("visualization", theirs)

    def test_json_inside_json_is_opened_too(self) -> None:
        texts = ['{"params": {"spec": "{\\"a\\": [1]}"}}', '{"params":{"spec":"{\\"a\\":[1]}"}}']
        one, other = ({"attributes": {"visState": text}, "references": []} for text in texts)
        assert comparable("visualization", one) == comparable("visualization", other)

    def test_how_often_a_field_was_chosen_does_not_count_and_the_field_does(self) -> None:
        def pattern(fields: list[dict[str, Any]]) -> dict[str, Any]:
            body = {"attributes": {"fields": json.dumps(fields)}, "references": []}
            return comparable("index-pattern", body)

        popular = [{**FIELDS[1], "count": 7}, FIELDS[0]]
        assert pattern(popular) == pattern(FIELDS)
        assert pattern(FIELDS[:1]) != pattern(FIELDS)
        assert pattern([FIELDS[0], {**FIELDS[1], "type": "number"}]) != pattern(FIELDS)

    def test_the_order_of_references_does_not_count(self) -> None:
        first, second = ({"name": f"panel_{n}", "type": "search", "id": "a"} for n in (1, 2))
        one, other = ({"attributes": {}, "references": order} for order in ([first, second], [second, first]))
        assert comparable("dashboard", one) == comparable("dashboard", other)
        assert comparable("dashboard", one) != comparable("dashboard", {**one, "references": [first]})

    def test_a_link_of_markdown_is_no_json(self) -> None:
        body = {"attributes": {"title": "[Custos](#/view/pabx-costs)"}, "references": []}
        assert comparable("visualization", body) == body


class TestImport:
    def test_the_first_creates_and_the_second_sends_nothing(
        self, fake: FakeDashboards, objects: list[SavedObject]
    ) -> None:
        first = bring(fake, objects)
        assert [(str(step.resource), step.action) for step in first] == [
            ("index-pattern pabx-calls", Action.CREATE),
            ("visualization pabx-overview-calls", Action.CREATE),
            ("dashboard pabx-overview", Action.CREATE),
            ("default index pattern pabx-calls", Action.CREATE),
            ("number format pt-br", Action.CREATE),
        ]
        assert list(fake.objects) == KEYS
        assert fake.objects[KEYS[2]]["attributes"]["title"] == "Visão geral"
        assert fake.settings == {"defaultIndex": "pabx-calls", "format:number:defaultLocale": "pt-br"}
        before = len(fake.writes())
        second = bring(fake, objects)
        assert {step.action for step in second} == {Action.UNCHANGED}
        assert len(second) == 5
        assert len(fake.writes()) == before

    def test_only_what_differs_is_sent(
        self, fake: FakeDashboards, objects: list[SavedObject], tmp_path: Path
    ) -> None:
        bring(fake, objects)
        fake.objects[KEYS[0]]["mine"] = True
        actions = [step.action for step in bring(fake, read(write(tmp_path, lines("Overview"))))]
        assert actions == [Action.UNCHANGED, Action.CHANGE, Action.CHANGE, Action.UNCHANGED, Action.UNCHANGED]
        assert fake.objects[KEYS[2]]["attributes"]["title"] == "Overview"
        assert fake.objects[KEYS[0]]["mine"]

    def test_what_was_changed_by_hand_is_shown_and_mended(
        self, fake: FakeDashboards, objects: list[SavedObject]
    ) -> None:
        bring(fake, objects)
        fake.objects[KEYS[2]]["attributes"] = {"title": "Meu painel", "panelsJSON": "[]"}
        step = bring(fake, objects)[2]
        assert step.action is Action.CHANGE
        assert [text.strip() for text in step.difference if text.startswith(("- ", "+ "))] == [
            '-    "title": "Meu painel"',
            '+    "title": "Visão geral"',
        ]
        assert fake.objects[KEYS[2]]["attributes"]["title"] == "Visão geral"

    def test_settings_that_were_chosen_stay(self, fake: FakeDashboards, objects: list[SavedObject]) -> None:
        chosen = {"defaultIndex": "mine", "format:number:defaultLocale": "fr"}
        fake.settings |= chosen
        assert [(str(step.resource), step.action) for step in bring(fake, objects)[-2:]] == [
            ("default index pattern mine", Action.UNCHANGED),
            ("number format fr", Action.UNCHANGED),
        ]
        assert fake.settings == chosen

    def test_english_sets_no_format_of_numbers(
        self, fake: FakeDashboards, objects: list[SavedObject]
    ) -> None:
        server = Server(fake.url, PLAIN)
        kinds = [step.resource.kind for step in importing.plan(server, objects, "en")]
        assert kinds[-1] == "default index pattern"

    def test_under_a_base_path_with_a_user(self, objects: list[SavedObject]) -> None:
        with serving(FakeDashboards("/paineis/x", ("ana", "senha: ção"))) as fake:
            bring(fake, objects, Connection("http://cluster:9200", "ana", "senha: ção"))
            assert list(fake.objects) == KEYS

    def test_a_long_expression_is_cut(self, fake: FakeDashboards, objects: list[SavedObject]) -> None:
        bring(fake, objects)
        fake.objects[KEYS[2]]["attributes"]["title"] = "x" * 5000
        (shown,) = [text for text in bring(fake, objects)[2].difference if "xxx" in text]
        assert len(shown) < 250
        assert shown.endswith("… (5016 characters)")


class TestAnImportThatIsNone:
    """Whatever the answer says, only what can be read back counts."""

    def test_success_that_stores_nothing(self, fake: FakeDashboards, objects: list[SavedObject]) -> None:
        fake.loses = {KEYS[1]}
        assert failure(fake, objects) == (
            "saved objects were not stored, although the import was answered with success: visualization "
            "pabx-overview-calls (is not there): OpenSearch Dashboards 2.8 or newer is needed; "
            "look at its log, then run it again"
        )
        assert fake.settings == {}

    def test_success_that_leaves_the_old_one(
        self, fake: FakeDashboards, objects: list[SavedObject], tmp_path: Path
    ) -> None:
        bring(fake, objects)
        fake.loses = {KEYS[2]}
        told = failure(fake, read(write(tmp_path, lines("Overview"))))
        assert "dashboard pabx-overview (is there, but not as it was sent)" in told
        assert "visualization" not in told

    def test_an_attribute_that_is_unknown_there(self, fake: FakeDashboards, tmp_path: Path) -> None:
        wrong = line("search", "pabx-search-a", {"title": "a", "columnWidths": 1})
        told = failure(fake, read(write(tmp_path, [*lines(), wrong])))
        assert told.startswith(
            "saved objects were refused: search pabx-search-a (mapping set to strict, dynamic introduction "
            "of [columnWidths] within [search] is not allowed): OpenSearch Dashboards 2.8 or newer is needed"
        )

    def test_a_missing_reference(self, fake: FakeDashboards, tmp_path: Path) -> None:
        told = failure(fake, read(write(tmp_path, lines()[1:])))
        assert told.startswith(
            "saved objects were refused: visualization pabx-overview-calls (it needs index-pattern "
            "pabx-calls, which is missing): the shipped file is damaged: install the package again, "
            "or run: make generate"
        )
        assert fake.objects == {}

    def test_an_unknown_type_and_many_more(self, fake: FakeDashboards, tmp_path: Path) -> None:
        wrong = [line("lens", f"pabx-{n}", {"title": "a"}) for n in range(5)]
        told = failure(fake, read(write(tmp_path, wrong)))
        assert "refused: lens pabx-0 and 4 more (unsupported type): " in told

    def test_many_reasons(self, fake: FakeDashboards, tmp_path: Path) -> None:
        wrong = [line("query", f"pabx-{n}", {"title": "a", f"a{n}": 1}) for n in range(5)]
        told = failure(fake, read(write(tmp_path, wrong)))
        assert "query pabx-2 (mapping set to strict, dynamic introduction of [a2] within [query]" in told
        assert ", and for 2 more reasons: OpenSearch Dashboards 2.8" in told
        assert "pabx-3" not in told

    def test_a_user_who_lacks_the_right(self, fake: FakeDashboards, objects: list[SavedObject]) -> None:
        """With OpenSearch Security the answer's status is 200 for this too."""
        error = {"type": "unknown", "message": "no permissions for [indices:data/write/bulk[s]]"}
        errors = [{"type": kind, "id": name, "error": error} for kind, name in KEYS]
        body = {"success": False, "successCount": 0, "errors": errors}
        fake.answers["/api/saved_objects/_import"] = (200, {}, body)
        assert failure(fake, objects) == (
            "saved objects were refused: index-pattern pabx-calls and 2 more (no permissions for "
            "[indices:data/write/bulk[s]]): give the user a role that may write saved objects, such as "
            "kibana_user of OpenSearch Security"
        )

    def test_a_count_that_is_too_small(self, fake: FakeDashboards, objects: list[SavedObject]) -> None:
        fake.answers["/api/saved_objects/_import"] = (200, {}, {"success": True, "successCount": 2})
        assert failure(fake, objects).startswith("2 of 3 saved objects were imported, without a reason: look")

    def test_a_newer_object(self, fake: FakeDashboards, tmp_path: Path) -> None:
        newer = line("dashboard", "a", {"title": "a"}, migrationVersion={"dashboard": "8.1.0"})
        told = failure(fake, read(write(tmp_path, [newer])))
        assert told.startswith('importing saved objects: Document "a" has property "dashboard" which belongs')
        assert told.endswith("OpenSearch Dashboards 2.8 or newer is needed")

    def test_a_file_that_is_too_large(self, fake: FakeDashboards, tmp_path: Path) -> None:
        large = line("query", "a", {"title": "x" * LARGEST})
        told = failure(fake, read(write(tmp_path, [large])))
        assert told.startswith(
            "importing saved objects: the file is too large for it (Payload content length"
        )
        assert "raise savedObjects.maxImportPayloadBytes there" in told


PAGE = (200, {"Content-Type": "text/html"}, "<html>hello</html>")
STATES = [
    (PAGE, "answers, but is not an OpenSearch Dashboards: correct --dashboards-url or DASHBOARDS_URL"),
    ((200, {}, {"cluster_name": "a", "version": "3.4.0"}), "answers, but is not an OpenSearch Dashboards: "),
    (
        (404, {}, {"message": "Not Found"}),
        "answers, but is not an OpenSearch Dashboards: correct --dashboards",
    ),
    ((302, {"Location": "/login"}, ""), "leads on to /login: give that address in --dashboards-url, or, if"),
    (
        (503, {}, "OpenSearch Dashboards server is not ready yet"),
        "is not ready (OpenSearch Dashboards server is",
    ),
    ((500, {}, "<html>x</html>"), "its state: it refuses it (500): Internal Server Error: look at its log"),
    ((401, {}, {"message": "Authentication Exception"}), "wants a user: pass --user and --password-file"),
    (
        (403, {}, {"message": "no permissions"}),
        "its state: a request without a user lacks the right for it (no",
    ),
    ((415, {}, {"message": "Unsupported Media Type"}), "its state: it does not take the form (Unsupported"),
]


@pytest.mark.parametrize(("answer", "told"), STATES)
def test_something_else_answers(
    fake: FakeDashboards, objects: list[SavedObject], answer: Answer, told: str
) -> None:
    fake.answers["/api/status"] = answer
    assert failure(fake, objects).startswith(told)
    assert fake.writes() == []


def test_a_wrong_password(objects: list[SavedObject]) -> None:
    with serving(FakeDashboards(user=("ana", "right"))) as fake:
        told = failure(fake, objects, Connection("http://cluster:9200", "ana", "wrong"))
    assert told == "does not know user 'ana' with this password: correct --user or --password-file"


def test_a_user_who_may_only_read(fake: FakeDashboards, objects: list[SavedObject]) -> None:
    fake.answers["/api/saved_objects/_import"] = (403, {}, {"message": "no permissions for [write]"})
    told = failure(fake, objects, Connection("http://cluster:9200", "ana", "senha"))
    assert told == (
        "importing saved objects: user 'ana' lacks the right for it (no permissions for [write]): give the "
        "user a role that may write saved objects, such as kibana_user of OpenSearch Security"
    )


def test_another_type_cannot_be_read(fake: FakeDashboards, objects: list[SavedObject]) -> None:
    error = {"message": "Unsupported saved object type: 'query': Bad Request", "statusCode": 400}
    body = {"saved_objects": [{"type": "query", "id": "pabx-a", "error": error}]}
    fake.answers["/api/saved_objects/_bulk_get"] = (200, {}, body)
    assert failure(fake, objects).startswith(
        "query pabx-a: Unsupported saved object type: 'query': Bad Request"
    )


class TestNobodyAnswers:
    def refused(self, url: str, connection: Connection = PLAIN) -> str:
        with pytest.raises(CentralError) as error:
            Server(url, connection).version()
        return str(error.value)

    def test_a_closed_port(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        assert self.refused(url) == (
            f"{url} cannot be reached (connection refused): start OpenSearch Dashboards, "
            "or correct --dashboards-url or DASHBOARDS_URL"
        )

    def test_a_name_that_is_not_known(self) -> None:
        assert "cannot be reached (its name is not known)" in self.refused("http://no-such-host.invalid:5601")

    def test_silence(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            connection = Connection("http://cluster:9200", timeout=0.6)
            assert self.refused(url, connection).startswith(f"{url} did not answer in 1 s: look at its log")

    def test_tls_where_there_is_none(self, fake: FakeDashboards) -> None:
        url = fake.url.replace("http:", "https:")
        assert self.refused(url) == f"{url} does not speak TLS: use http:// in --dashboards-url"

    @pytest.mark.servers
    def test_a_rejected_certificate(self, secure_opensearch: OpenSearchCluster) -> None:
        told = self.refused(secure_opensearch.url)
        assert told.startswith(f"{secure_opensearch.url}: its certificate is rejected, ")
        assert told.endswith(
            "--ca-file or OPENSEARCH_CA_FILE must name the certificate of the authority that signed it"
        )

    @pytest.mark.servers
    def test_the_address_of_the_cluster_itself(self, secure_opensearch: OpenSearchCluster) -> None:
        node = secure_opensearch
        connection = Connection(node.url, str(node.user), str(node.password), node.ca_file)
        assert self.refused(node.url, connection) == (
            f"{node.url} is an OpenSearch, not its Dashboards: correct --dashboards-url or DASHBOARDS_URL"
        )

    @pytest.mark.servers
    def test_no_tls_where_there_is_some(self, secure_opensearch: OpenSearchCluster) -> None:
        url = secure_opensearch.url.replace("https:", "http:")
        assert "broke off the connection: use https:// in --dashboards-url" in self.refused(url)


class TestAddress:
    @pytest.mark.parametrize(
        ("given", "url"),
        [
            ("http://127.0.0.1:5601", "http://127.0.0.1:5601"),
            ("https://paineis.example/", "https://paineis.example"),
            ("https://x.example:443/paineis/", "https://x.example:443/paineis"),
        ],
    )
    def test_of_the_right_form(self, given: str, url: str) -> None:
        assert checked_url(given) == url

    @pytest.mark.parametrize(
        "given",
        [
            *["paineis.example:5601", "ftp://x", "http://", "http://x:port", "http://x:99999"],
            *["http://x:5601/app/home#/", "http://x:5601/app/dashboards", "http://x/?a=b"],
        ],
    )
    def test_of_another(self, given: str) -> None:
        with pytest.raises(UsageError) as error:
            checked_url(given)
        assert f"URL {given!r} is not of the form https://host:port" in str(error.value)

    def test_with_a_password(self) -> None:
        with pytest.raises(UsageError) as error:
            checked_url("http://ana:secret@x:5601")
        assert "secret" not in str(error.value)


@pytest.mark.servers
class TestCommand:
    """`central install` on a real cluster."""

    @pytest.fixture
    def central(self, central: Central, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Central:
        """With the small files in the shipped ones' place."""
        write(tmp_path, lines())
        write(tmp_path, lines("Overview"), "en")
        monkeypatch.setattr(files, "_PLACES", (tmp_path,))
        return central

    def test_in_both_languages(
        self, cluster: OpenSearchCluster, central: Central, fake: FakeDashboards
    ) -> None:
        where = ("install", "--url", cluster.url, "--dashboards-url", f"{fake.url}/")
        head = f"{fake.url}: OpenSearch Dashboards 2.8.0"
        first = central(*where)
        assert (first.code, first.err) == (0, "")
        assert first.out.endswith(
            "create     dashboard pabx-overview\ncreate     default index pattern pabx-calls\n"
            f"create     number format pt-br\n{head}, pt-BR: 5 created, 0 changed, 0 unchanged\n"
        )
        assert central(*where).out.endswith(f"{head}, pt-BR: 0 created, 0 changed, 5 unchanged\n")
        assert central(*where, "--language", "en").out.endswith(
            f"{head}, en: 0 created, 2 changed, 3 unchanged\n"
        )
        assert fake.objects[KEYS[2]]["attributes"]["title"] == "Overview"

    def test_a_dry_run_writes_nothing(
        self,
        cluster: OpenSearchCluster,
        central: Central,
        fake: FakeDashboards,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("DASHBOARDS_URL", fake.url)
        shown = central("install", "--url", cluster.url, "--dry-run")
        assert shown.code == 0
        assert shown.out.endswith(
            "pt-BR: 5 to create, 0 to change, 0 unchanged; nothing was changed (--dry-run)\n"
        )
        assert fake.writes() == []

    def test_without_an_address(self, cluster: OpenSearchCluster, central: Central) -> None:
        outcome = central("install", "--url", cluster.url)
        assert (outcome.code, outcome.err) == (0, "")
        line = f"{cluster.url}: dashboards are left out: give --dashboards-url or DASHBOARDS_URL"
        assert outcome.out.splitlines()[-2] == line

    def test_a_refusal_comes_after_the_cluster_is_done(
        self, cluster: OpenSearchCluster, central: Central, fake: FakeDashboards
    ) -> None:
        fake.loses = {KEYS[0]}
        outcome = central("install", "--url", cluster.url, "--dashboards-url", fake.url)
        assert outcome.code == 1
        assert outcome.err.startswith(f"central: {fake.url}: saved objects were not stored, although")
        assert outcome.err.count("\n") == 1
        assert f"\n{cluster.url}: " in outcome.out
        assert fake.url not in outcome.out


def test_a_wrong_address_is_told_before_anything_is_asked(central: Central) -> None:
    outcome = central("install", "--url", "http://127.0.0.1:1", "--dashboards-url", "x:5601")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("central: URL 'x:5601' is not of the form https://host:port or https://")


def test_an_unknown_language(central: Central) -> None:
    outcome = central("install", "--language", "pt")
    assert outcome.code == 2
    assert "choose from 'pt-BR', 'en'" in outcome.err
