"""The steps of the settings: what head office sent, and secrets that only this machine knows."""

from contextlib import suppress
from pathlib import Path

from deploy.linux.bundle import FILES
from deploy.linux.machine import is_file, make_folder, text_of, user_ids, write_file
from deploy.linux.settings import Decision, decide
from deploy.linux.site import AMI_SECRET, DATABASE_SECRET
from deploy.linux.steps import Step, remove
from deploy.linux.text import InstallError, Text

SECRET_MODE = 0o640
FOLDER_MODE = 0o750


class Settings(Step):
    """The settings and what lies beside them."""

    def plan(self) -> list[Text]:
        """Write what is new; what was edited by hand is kept beside it."""
        layout = self.site.layout
        decided = self._decided()
        if decided.other and not self.site.options.replace:
            raise _other_store(decided.other, self.site.new.store)
        planned = []
        if decided.other:
            planned.append(
                Text(
                    f"trocar a loja {decided.other} pela {self.site.new.store}; a fila dela é guardada",
                    f"put {self.site.new.store} in the place of {decided.other}; its spool is kept beside",
                )
            )
        if not layout.config.is_dir():
            planned.append(Text(f"criar {layout.config}", f"make {layout.config}"))
        if decided.edited:
            planned.append(
                Text(
                    f"guardar as suas alterações em {self._kept()}",
                    f"keep what was edited by hand as {self._kept()}",
                )
            )
        if decided.text is not None:
            planned.append(
                Text(
                    f"gravar as configurações da loja {self.site.new.store} em {layout.settings}",
                    f"write the settings of {self.site.new.store} to {layout.settings}",
                )
            )
        planned += [Text(f"gravar {path}", f"write {path}") for path, _ in self._files()]
        planned += [Text(f"apagar {path}", f"delete {path}") for path in self._gone()]
        return planned

    def do(self) -> None:
        """Write them."""
        layout = self.site.layout
        owner = self._owner()
        make_folder(layout.config, FOLDER_MODE, owner)
        make_folder(layout.state, FOLDER_MODE, user_ids())
        decided = self._decided()
        if decided.other:
            self._set_spool_aside(decided.other)
        if decided.edited:
            edited = (text_of(layout.settings) or "").encode("utf-8", "surrogateescape")
            write_file(self._kept(), edited, SECRET_MODE, owner)
        for path, content in self._files():
            write_file(path, content, SECRET_MODE, owner)
        for path in self._gone():
            remove(path)
        if decided.text is not None:
            write_file(layout.settings, decided.text.encode(), SECRET_MODE, owner)
        if decided.bundled is not None:
            write_file(layout.bundled, decided.bundled.encode(), SECRET_MODE, owner)

    def undo_plan(self) -> list[Text]:
        """Remove them, secrets and spool."""
        layout = self.site.layout
        found = [path for path in (layout.config, layout.state) if path.exists()]
        return [Text(f"apagar {path}", f"delete {path}") for path in found]

    def undo(self) -> None:
        """Remove them."""
        for path in (self.site.layout.config, self.site.layout.state):
            remove(path)

    def _decided(self) -> Decision:
        layout = self.site.layout
        return decide(self.site.settings, text_of(layout.settings), text_of(layout.bundled))

    def _kept(self) -> Path:
        settings = self.site.layout.settings
        return settings.with_name(f"{settings.name}.edited")

    def _files(self) -> list[tuple[Path, bytes]]:
        config = self.site.layout.config
        wanted = [(config / name, content) for name, content in sorted(self.site.new.files.items())]
        return [one for one in wanted if not is_file(*one, SECRET_MODE, self._owner())]

    def _gone(self) -> list[Path]:
        """What an earlier bundle brought and this one does not: without `upgrade.pub`, upgrades are off."""
        config = self.site.layout.config
        return [
            config / name for name in FILES if name not in self.site.new.files and (config / name).exists()
        ]

    def _owner(self) -> tuple[int, int]:
        return 0, user_ids()[1]

    def _set_spool_aside(self, store: str) -> None:
        """Its documents are the other store's; the rows are read again from the table as this one's."""
        self.site.service.stop()
        spool = Path(self.site.config.spool.path)
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                spool.with_name(spool.name + suffix).rename(
                    spool.with_name(f"{spool.name}.of-{store}{suffix}")
                )


class Secrets(Step):
    """Passwords that are made here and never leave the machine; empty where somebody else sets them."""

    def plan(self) -> list[Text]:
        """Make those that are missing."""
        return [
            Text(
                f"gravar {path}, vazio: a senha é posta à mão", f"write {path}, empty: the password is yours"
            )
            for path in self._missing()
        ]

    def do(self) -> None:
        """Make them."""
        for path in self._missing():
            write_file(path, b"", SECRET_MODE, (0, user_ids()[1]))

    def _missing(self) -> list[Path]:
        """Those that nothing else makes: without the file the settings could not be read."""
        options, config = self.site.options, self.site.layout.config
        others = [
            (DATABASE_SECRET, options.database),
            (AMI_SECRET, options.ami and self.site.config.ami.enabled),
        ]
        return [config / name for name, made in others if not made and not (config / name).exists()]


def write_secret(step: Step, name: str, secret: str) -> None:
    """Keep a secret where only root writes and the agent reads."""
    config, owner = step.site.layout.config, (0, user_ids()[1])
    make_folder(config, FOLDER_MODE, owner)
    write_file(config / name, f"{secret}\n".encode(), SECRET_MODE, owner)


def _other_store(here: str, there: str) -> InstallError:
    return InstallError(
        Text(
            f"esta máquina já é a loja {here}, e o arquivo é da loja {there}",
            f"this machine is {here} already, and the file is for {there}",
        ),
        Text(
            "confira se é a loja certa; se for para trocar, acrescente --replace",
            "see whether it is the right one; to put it in the other's place, add --replace",
        ),
        2,
    )
