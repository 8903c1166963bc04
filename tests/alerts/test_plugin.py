"""What `central install` does with the two plugins, against a stand-in for their REST (see there)."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from central.alerts import installing
from central.alerts.channels import Channel
from central.alerts.files import Monitor, load
from central.client import Connection, connect
from central.errors import CentralError
from central.plan import Step
from tests.alerts.fake_plugins import FakePlugins, plugins
from tests.central.outcome import Outcome

MONITORS = load("pt-BR", "https://paineis.example")
SETTING = "plugins.alerting.max_actionable_alert_count"
SETTINGS = [
    f"cluster setting {name}"
    for name in (
        SETTING,
        "script.context.template.max_compilations_rate",
        "script.context.template.cache_max_size",
    )
]
HERE = Channel("pabx-here", "webhook", enabled=True, values={"url": "https://hooks.example/pabx"})
CHAT = Channel("pabx-chat", "slack", enabled=True, values={"url": "https://hooks.slack.com/services/T/B/x"})
MAIL = Channel(
    "pabx-mail",
    "email",
    enabled=True,
    values={
        "host": "smtp.example",
        "port": 587,
        "method": "ssl",
        "from": "a@b.example",
        "to": ["c@d.example"],
    },
)


@pytest.fixture
def fake() -> Iterator[FakePlugins]:
    with plugins() as found:
        yield found


def run(
    fake: FakePlugins,
    monitors: Sequence[Monitor] = MONITORS,
    channels: Sequence[Channel] | None = None,
    *,
    dry_run: bool = False,
) -> tuple[dict[str, list[str]], list[str]]:
    """Install; gives what was done by action, and the lines about what was left out."""
    connection = Connection(fake.url)
    fake.writes.clear()
    done: dict[str, list[str]] = {}
    said = []
    wanted = installing.Wanted(monitors, channels)
    for one in installing.run(connect(connection), connection, wanted, dry_run=dry_run):
        if isinstance(one, Step):
            done.setdefault(one.action.value, []).append(str(one.resource))
        else:
            said.append(one)
    return done, said


NAMES = [f"monitor {one.name}" for one in MONITORS]
INSTEAD = "central alerts watch runs the very same ones"
NOBODY = "{}: no channel is in use: alerts are kept, and nobody is told (--channels FILE)"


def test_everything_is_created_once_and_then_unchanged(fake: FakePlugins) -> None:
    done, said = run(fake, channels=[HERE])
    everything = [*SETTINGS, "channel pabx-here", *NAMES]
    assert (done, said) == ({"create": everything}, [])
    assert len(fake.writes) == 28
    assert fake.settings == {
        SETTING: "-1",
        "script.context.template.max_compilations_rate": "1000/5m",
        "script.context.template.cache_max_size": "1000",
    }
    assert len(fake.monitors) == 24
    assert fake.configs["pabx-here"]["webhook"] == {
        "url": "https://hooks.example/pabx",
        "header_params": {"Content-Type": "application/json"},
        "method": "POST",
    }
    assert run(fake, channels=[HERE]) == ({"unchanged": everything}, [])
    assert fake.writes == []


def test_a_dry_run_says_the_same_and_changes_nothing(fake: FakePlugins) -> None:
    done, _ = run(fake, channels=[HERE], dry_run=True)
    assert done == {"create": [*SETTINGS, "channel pabx-here", *NAMES]}
    assert (fake.writes, fake.monitors, fake.configs, fake.settings) == ([], {}, {}, {})


def test_a_changed_threshold_changes_its_monitor_alone_under_the_same_id(fake: FakePlugins) -> None:
    run(fake)
    before = {one["name"]: key for key, one in fake.monitors.items()}
    changed = copy.deepcopy(MONITORS)
    for one in changed:
        if one.finding == "spool_filling":
            one.trigger["condition"]["script"]["source"] = "params.used >= 0.7 * params.limit"
        if one.finding == "agent_silent":  # within its search, which the cluster gives back in other words
            text = json.dumps(one.search["query"]).replace("||-90s", "||-180s")
            one.search["query"] = json.loads(text)
    done, _ = run(fake, changed)
    assert done["change"] == ["monitor PABX agent_silent", "monitor PABX spool_filling"]
    assert len(done["unchanged"]) == 25
    assert {one["name"]: key for key, one in fake.monitors.items()} == before
    assert len(fake.writes) == 2
    assert run(fake, changed)[0].keys() == {"unchanged"}


def test_another_language_changes_all_and_keeps_ids_of_triggers_and_actions(
    fake: FakePlugins,
) -> None:
    def ids() -> list[Any]:
        triggers = [one["triggers"][0]["bucket_level_trigger"] for one in fake.monitors.values()]
        return [(one["id"], [action["id"] for action in one["actions"]]) for one in triggers]

    run(fake, channels=[HERE])
    before = ids()
    done, _ = run(fake, load("en", "https://paineis.example"), [HERE])
    assert done["change"] == NAMES
    assert ids() == before
    assert before[2][0] == "agent_silent"
    assert before[2][1][0] == "agent_silent-told-pabx-here"


def test_a_condition_that_somebody_changed_by_hand_is_put_back(fake: FakePlugins) -> None:
    run(fake)
    condition = fake.named("PABX idle")["triggers"][0]["bucket_level_trigger"]["condition"]
    shipped = condition["script"]["source"]
    condition["script"]["source"] = "params.expected > 1000"
    assert run(fake)[0]["change"] == ["monitor PABX idle"]
    again = fake.named("PABX idle")["triggers"][0]["bucket_level_trigger"]["condition"]
    assert again["script"]["source"] == shipped


def test_channels_come_and_go_in_the_monitors_actions(fake: FakePlugins) -> None:
    def actions() -> list[tuple[str, str]]:
        found = fake.named("PABX idle")["triggers"][0]["bucket_level_trigger"]["actions"]
        return [(one["id"], one["destination_id"]) for one in found]

    _, said = run(fake)
    assert said == [NOBODY.format(fake.url)]
    assert actions() == []
    done, said = run(fake, channels=[HERE, CHAT])
    assert said == []
    assert done["create"] == ["channel pabx-here", "channel pabx-chat"]
    assert done["change"] == NAMES
    assert actions() == [
        (f"idle-{name}-{channel}", channel)
        for channel in ("pabx-chat", "pabx-here")
        for name in ("told", "closed")
    ]
    assert run(fake)[0].keys() == {"unchanged"}  # without a file what is there stays
    run(fake, channels=[CHAT])
    assert {channel for _, channel in actions()} == {"pabx-chat"}
    assert "pabx-here" in fake.configs  # a channel is not ours to delete
    run(fake, channels=[])
    assert actions() == []


def test_a_webhook_gets_json_and_the_others_a_text(fake: FakePlugins) -> None:
    run(fake, channels=[HERE, CHAT])
    actions = fake.named("PABX idle")["triggers"][0]["bucket_level_trigger"]["actions"]
    texts = {one["id"]: one["message_template"]["source"] for one in actions}
    webhook, chat = texts["idle-told-pabx-here"], texts["idle-told-pabx-chat"]
    assert webhook.startswith('{{#ctx.newAlerts}}{"finding": "idle", ')
    assert chat.startswith("{{#ctx.newAlerts}}ALERTA {{{bucket_keys}}}: ")
    for text in (webhook, chat):
        assert text.count("{{/ctx.newAlerts}}{{#ctx.dedupedAlerts}}") == 1
        assert text.endswith("{{/ctx.dedupedAlerts}}")


def test_a_beginning_and_its_reminders_share_a_throttle_and_an_end_has_none(fake: FakePlugins) -> None:
    """The plugin throttles by action: a reminder of its own would follow the beginning after a minute."""
    run(fake, channels=[HERE])
    told, closed = fake.named("PABX idle")["triggers"][0]["bucket_level_trigger"]["actions"]

    def alerts(action: dict[str, Any]) -> Any:
        return action["action_execution_policy"]["action_execution_scope"]["per_alert"]["actionable_alerts"]

    assert (alerts(told), told["throttle_enabled"]) == (["NEW", "DEDUPED"], True)
    assert told["throttle"] == {"value": 1440, "unit": "MINUTES"}
    assert (alerts(closed), closed["throttle_enabled"], "throttle" in closed) == (["COMPLETED"], False, False)


def test_mail_needs_an_account_first(fake: FakePlugins) -> None:
    done, _ = run(fake, channels=[MAIL])
    assert done["create"][3:5] == ["channel pabx-mail-account", "channel pabx-mail"]
    assert fake.configs["pabx-mail-account"]["name"] == "pabx_mail"
    assert fake.configs["pabx-mail"]["email"] == {
        "email_account_id": "pabx-mail-account",
        "recipient_list": [{"recipient": "c@d.example"}],
        "email_group_id_list": [],
    }
    assert run(fake, channels=[MAIL])[0].keys() == {"unchanged"}
    assert run(fake)[0].keys() == {"unchanged"}  # the account is no channel


def test_a_channel_that_is_disabled_in_the_cluster_or_not_ours_is_not_used(fake: FakePlugins) -> None:
    for name, is_enabled in (("pabx-off", False), ("others", True)):
        fake.configs[name] = {"name": name, "config_type": "slack", "is_enabled": is_enabled, "slack": {}}
    assert run(fake)[1] == [NOBODY.format(fake.url)]


def test_a_channels_new_address_is_a_change_and_a_new_kind_is_refused(fake: FakePlugins) -> None:
    run(fake, channels=[HERE])
    moved = Channel(HERE.id, HERE.kind, enabled=True, values={"url": "https://hooks.example/new"})
    assert run(fake, channels=[moved])[0]["change"] == ["channel pabx-here"]
    assert fake.configs["pabx-here"]["webhook"]["url"] == "https://hooks.example/new"
    with pytest.raises(CentralError, match=r"channel pabx-here: .*Config type cannot be changed"):
        run(fake, channels=[Channel(HERE.id, "slack", enabled=True, values=CHAT.values)])


def test_a_monitor_that_somebody_disabled_stays_so_even_when_it_changes(fake: FakePlugins) -> None:
    run(fake)
    fake.named("PABX decline")["enabled"] = False
    line = "monitor PABX decline: somebody has disabled it: it stays so"
    done, said = run(fake)
    assert (list(done), said) == (["unchanged"], [NOBODY.format(fake.url), line])
    done, said = run(fake, channels=[HERE])
    assert (done["change"], said) == (NAMES, [line])
    assert fake.named("PABX decline")["enabled"] is False
    assert fake.named("PABX idle")["enabled"] is True


def test_a_monitor_that_is_there_twice_is_an_error_that_names_both(fake: FakePlugins) -> None:
    run(fake)
    fake.put_monitor(MONITORS[4].body)
    with pytest.raises(CentralError) as error:
        run(fake)
    assert str(error.value) == ("monitor 'PABX idle' is there 2 times (id-4, id-24): delete all but one")
    assert fake.writes == []


def test_what_an_earlier_version_left_is_named_and_what_others_made_is_not(fake: FakePlugins) -> None:
    run(fake)
    old = copy.deepcopy(MONITORS[0].body)
    old["name"] = "PABX printer_on_fire"
    old["ui_metadata"]["pabx"]["finding"] = "printer_on_fire"
    fake.put_monitor(old)
    for name in ("PABX of somebody", "Something else"):
        fake.put_monitor({**MONITORS[0].body, "name": name, "ui_metadata": {}})
    done, said = run(fake)
    assert list(done) == ["unchanged"]
    assert said[1:] == ["monitor PABX printer_on_fire: an earlier version's, no longer shipped: delete it"]
    assert len(fake.monitors) == 27


def test_what_somebody_chose_for_the_setting_stays(fake: FakePlugins) -> None:
    fake.settings[SETTING] = "200"
    done, _ = run(fake)
    assert done["unchanged"] == [f"cluster setting {SETTING}"]
    assert fake.settings[SETTING] == "200"
    assert fake.settings["script.context.template.max_compilations_rate"] == "1000/5m"


def test_without_the_alerting_plugin_nothing_is_done(fake: FakePlugins) -> None:
    fake.has = {"notifications"}
    done, said = run(fake, channels=[HERE])
    assert (done, fake.writes) == ({}, [])
    assert said == [f"{fake.url}: without the Alerting plugin monitors are left out: {INSTEAD}"]


def test_without_the_notifications_plugin_monitors_tell_nobody(fake: FakePlugins) -> None:
    fake.has = {"alerting"}
    done, said = run(fake, channels=[HERE])
    assert done == {"create": [*SETTINGS, *NAMES]}
    assert said == [f"{fake.url}: without the Notifications plugin nobody is told of alerts"]
    assert fake.named("PABX idle")["triggers"][0]["bucket_level_trigger"]["actions"] == []


def test_whoever_may_not_change_settings_still_gets_the_monitors(fake: FakePlugins) -> None:
    fake.forbids = {"PUT /_cluster/settings"}
    done, said = run(fake, channels=[HERE])
    assert done == {"create": ["channel pabx-here", *NAMES]}
    (line,) = said
    assert SETTING in line
    assert line.endswith("let an administrator do it")


@pytest.mark.parametrize(
    ("forbidden", "what", "path"),
    [
        ("POST /_plugins/_alerting/monitors/_search", "reading monitors", "monitors/_search"),
        ("POST /_plugins/_notifications/configs", "channel pabx-here", "configs"),
        ("GET /_plugins/_notifications/configs", "channel pabx-here", "configs/pabx-here"),
    ],
)
def test_a_missing_right_is_told_with_what_it_was_for(
    fake: FakePlugins, forbidden: str, what: str, path: str
) -> None:
    fake.forbids = {forbidden}
    with pytest.raises(CentralError) as error:
        run(fake, channels=[HERE])
    text = str(error.value)
    assert text.startswith(f"{what}: ")
    assert "lacks the right" in text
    assert f"/{path}]" in text
    assert text.count("give the user a role that has it") == 1


def test_rights_that_hide_a_plugin_do_not_hide_that_it_is_there(fake: FakePlugins) -> None:
    fake.forbids = {"/_plugins/_alerting/"}
    with pytest.raises(CentralError, match="monitors"):
        run(fake)


def test_a_test_message_goes_through_the_plugin(fake: FakePlugins, central: Callable[..., Outcome]) -> None:
    none = central("alerts", "test", "--url", fake.url)
    assert (none.code, none.out) == (2, "")
    assert none.err == "central: the cluster has no enabled channel: see docs/alerts.md, Channels\n"
    run(fake, channels=[HERE, CHAT])
    assert central("alerts", "test", "--url", fake.url) == Outcome(
        0, "pabx-chat: 200 taken\npabx-here: 200 taken\n", ""
    )
    assert central("alerts", "test", "pabx-chat", "--url", fake.url).out == "pabx-chat: 200 taken\n"
    other = central("alerts", "test", "pabx-mail", "--url", fake.url)
    assert (other.code, other.err) == (
        2,
        "central: the cluster has no enabled channel 'pabx-mail': it has pabx-chat, pabx-here\n",
    )


def test_the_shipped_file_of_channels_is_read_and_uses_none(fake: FakePlugins) -> None:
    file = Path(installing.__file__).with_name("channels.toml")
    wanted = installing.wanted("pt-BR", file, None, None)
    assert [one.kind for one in wanted.channels or ()] == ["webhook", "slack", "teams", "email"]
    done, said = run(fake, wanted.monitors, wanted.channels)
    assert done["create"] == [*SETTINGS, *NAMES]
    assert said == [NOBODY.format(fake.url)]
