"""The steps that keep the agent running: units where systemd is process 1, a table of cron elsewhere."""

import re
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from deploy.linux.layout import SERVICE, UPGRADE_SERVICE, UPGRADE_TIMER
from deploy.linux.machine import is_file, must, run, write_file, writing
from deploy.linux.steps import Step
from deploy.linux.text import Text

_MODE = 0o644
_OURS = (SERVICE, UPGRADE_SERVICE, UPGRADE_TIMER)


class Keeper(Step):
    """Starts the agent with the machine, and again where it ends."""

    def plan(self) -> list[Text]:
        """Write the files of this machine's kind, and remove those of the other."""
        planned = [Text(f"gravar {path}", f"write {path}") for path, _ in self._missing()]
        planned += [Text(f"apagar {path}", f"delete {path}") for path in self._superfluous()]
        if self.site.service.by_systemd and not planned and not _is_enabled(SERVICE):
            planned.append(Text(f"ativar {SERVICE} no systemd", f"enable {SERVICE} in systemd"))
        return planned

    def do(self) -> None:
        """Write them."""
        missing, superfluous = self._missing(), self._superfluous()
        if self.site.service.by_systemd:
            for path in superfluous:
                if path.parent == self.site.layout.units:
                    run(["systemctl", "disable", "--now", path.name])
        for path, content in missing:
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, content, _MODE)
        for path in superfluous:
            with writing(path):
                path.unlink(missing_ok=True)
        if self.site.service.by_systemd:
            must(["systemctl", "daemon-reload"])
            must(["systemctl", "enable", "--quiet", SERVICE])
            if self.site.layout.upgrade_key.exists():
                must(["systemctl", "enable", "--quiet", "--now", UPGRADE_TIMER])

    def undo_plan(self) -> list[Text]:
        """Stop the agent, and remove all of them."""
        planned = []
        if self.site.service.runs:
            planned.append(Text("parar o agente", "stop the agent"))
        found = [path for path in (*self._starters(), *self._logs()) if path.exists()]
        return planned + [Text(f"apagar {path}", f"delete {path}") for path in found]

    def undo(self) -> None:
        """Stop the agent, and remove all of them, the log included."""
        self.off()
        for path in self._logs():
            with writing(path):
                path.unlink(missing_ok=True)

    def off(self) -> None:
        """Stop the agent and remove what would start it; its log stays."""
        if self.site.service.by_systemd:
            for name in (UPGRADE_TIMER, SERVICE):
                if (self.site.layout.units / name).exists():
                    run(["systemctl", "disable", "--now", name])
        # The table first: else cron starts again what was stopped.
        for path in self._starters():
            with writing(path):
                path.unlink(missing_ok=True)
        self.site.service.stop()
        if self.site.service.by_systemd:
            must(["systemctl", "daemon-reload"])
            run(["systemctl", "reset-failed", SERVICE])

    def _starters(self) -> list[Path]:
        layout = self.site.layout
        return [layout.cron, *(layout.units / name for name in _OURS)]

    def _logs(self) -> list[Path]:
        log = self.site.layout.log
        return [log, log.with_name(f"{log.name}.1")]

    def _wanted(self) -> list[tuple[Path, bytes]]:
        layout, upgrades = self.site.layout, "upgrade.pub" in self.site.new.files
        if not self.site.service.by_systemd:
            text = unit("cron")
            if upgrades:
                # Each store has its own minute, so that they do not all ask at once.
                minute = int(sha256(self.site.new.store.encode()).hexdigest(), 16) % 60
                text += unit("cron-upgrade").replace("@MINUTE@", str(minute))
            return [(layout.cron, text.encode())]
        names = _OURS if upgrades else _OURS[:1]
        return [(layout.units / name, self._fitted(unit(name)).encode()) for name in names]

    def _fitted(self, text: str) -> str:
        """A spool elsewhere has to be named: the agent can write to its own directory alone."""
        folder = Path(self.site.config.spool.path).parent
        if folder == self.site.layout.state:
            return text
        return re.sub(r"(?m)^StateDirectory=.*$", rf"\g<0>\nReadWritePaths={folder}", text)

    def _missing(self) -> list[tuple[Path, bytes]]:
        return [one for one in self._wanted() if not is_file(*one, _MODE)]

    def _superfluous(self) -> list[Path]:
        wanted = {path for path, _ in self._wanted()}
        return [path for path in self._starters() if path not in wanted and path.exists()]


def unit(name: str) -> str:
    """The text of a unit or table, as it is shipped."""
    return (files("deploy.linux") / "units" / name).read_text(encoding="utf-8")


def _is_enabled(name: str) -> bool:
    return run(["systemctl", "is-enabled", "--quiet", name]).returncode == 0
