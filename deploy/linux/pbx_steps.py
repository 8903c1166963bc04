"""The steps that change the PBX: a user in its database and one in Asterisk's manager interface."""

from pathlib import Path

from deploy.linux import database, manager
from deploy.linux.machine import program, run, text_of, write_file, writing
from deploy.linux.settings_steps import write_secret
from deploy.linux.site import AMI_SECRET, DATABASE_SECRET
from deploy.linux.steps import Step, new_secret
from deploy.linux.text import InstallError, Text

_NEW_MODE = 0o640


class DatabaseUser(Step):
    """May read the table of the calls and FreePBX's list of trunks; nothing else."""

    def plan(self) -> list[Text]:
        """Make it, or put its password and rights right."""
        cdr = self.site.config.cdr
        if not self._wanted or database.is_right(cdr, self.site.secret(DATABASE_SECRET)):
            return []
        if cdr.host not in database.LOCAL:
            raise InstallError(
                Text(
                    f"o banco do PABX fica em outra máquina (cdr.host = {cdr.host})",
                    f"the PBX's database is on another machine (cdr.host = {cdr.host})",
                ),
                Text(
                    "crie lá o usuário (docs/shipper.md) e use --no-database",
                    "make the user there (docs/shipper.md), and use --no-database",
                ),
            )
        admin = self.site.admin()
        there = database.exists(admin, cdr)  # first: whoever may not ask this sees no table either
        database.require_table(admin, cdr)
        who, what = database.account(cdr).en, database.rights(cdr)
        if there:
            return [
                Text(
                    f"o usuário {who} do MariaDB já existe: trocar a senha e deixar só a leitura de {what}",
                    f"MariaDB's user {who} is there: a new password, and only reading {what}",
                )
            ]
        return [
            Text(
                f"criar o usuário {who} no MariaDB, que só lê {what}",
                f"make the user {who} in MariaDB, which may only read {what}",
            )
        ]

    def do(self) -> None:
        """Make it; the password is on the disk before the server knows it."""
        cdr = self.site.config.cdr
        password = self.site.secret(DATABASE_SECRET)
        if not self._wanted or database.is_right(cdr, password):
            return
        if not password:
            password = database.new_password()
            write_secret(self, DATABASE_SECRET, password)
        database.make(self.site.admin(), cdr, password)

    def undo_plan(self) -> list[Text]:
        """Remove it."""
        cdr = self.site.config.cdr
        if not self._wanted or cdr.host not in database.LOCAL or not database.exists(self.site.admin(), cdr):
            return []
        who = database.account(cdr).en
        return [Text(f"remover o usuário {who} do MariaDB", f"remove MariaDB's user {who}")]

    def undo(self) -> None:
        """Remove it."""
        if self.undo_plan():
            database.drop(self.site.admin(), self.site.config.cdr)

    @property
    def _wanted(self) -> bool:
        return self.site.options.database


class AmiUser(Step):
    """May listen; a user of that name that somebody else made is used as it is, and left alone."""

    def plan(self) -> list[Text]:
        """Write it into the file that FreePBX leaves alone."""
        if not self._wanted or self._is_right():
            return []
        path, text = self._path, text_of(self._path) or ""
        if not self.site.layout.asterisk.is_dir():
            raise InstallError(
                Text(
                    f"não há {self.site.layout.asterisk}: o Asterisk não está nesta máquina",
                    f"there is no {self.site.layout.asterisk}: Asterisk is not on this machine",
                ),
                Text(
                    "rode dentro do Linux do PABX; sem os eventos do Asterisk: --no-ami",
                    "run this in the PBX's Linux; to do without Asterisk's events: --no-ami",
                ),
            )
        if self._foreign(text) is not None:
            return [
                Text(
                    f"usar o usuário [{self._name}] que já existe em {path}: copiar a senha dele",
                    f"use the user [{self._name}] that is in {path} already: copy its secret",
                )
            ]
        return [
            Text(
                f"acrescentar o usuário [{self._name}], que só escuta, em {path}, e recarregar o Asterisk",
                f"add the user [{self._name}], which only listens, to {path}, and have Asterisk read it",
            )
        ]

    def do(self) -> None:
        """Write it, and have Asterisk read it where it runs."""
        if not self._wanted or self._is_right():
            return
        text = text_of(self._path) or ""
        secret = self._foreign(text)
        if secret is not None:
            write_secret(self, AMI_SECRET, secret)
            return
        secret = self.site.secret(AMI_SECRET)
        if not secret:
            secret = new_secret()
            write_secret(self, AMI_SECRET, secret)
        self._write(manager.with_block(text, self.site.config.ami, secret))

    def undo_plan(self) -> list[Text]:
        """Take it out again."""
        if not manager.has_block(text_of(self._path) or ""):
            return []
        return [
            Text(
                f"tirar o usuário [{self._name}] de {self._path}, e recarregar o Asterisk",
                f"take the user [{self._name}] out of {self._path}, and have Asterisk read it",
            )
        ]

    def undo(self) -> None:
        """Take it out again; a file that was made for it alone goes with it, unless Asterisk looks for it."""
        text = text_of(self._path) or ""
        if not manager.has_block(text):
            return
        rest = manager.without_block(text)
        found = self.site.general()
        if rest == manager.MADE and (found is None or not found.includes):
            with writing(self._path):
                self._path.unlink()
            reload_asterisk()
        else:
            # Asterisk reads nothing of a file that includes a missing one, and would keep the user.
            self._write("" if rest == manager.MADE else rest)

    @property
    def _wanted(self) -> bool:
        return self.site.options.ami and self.site.config.ami.enabled

    @property
    def _path(self) -> Path:
        return (self.site.layout.asterisk / manager.CUSTOM).resolve()

    @property
    def _name(self) -> str:
        return self.site.config.ami.username

    def _foreign(self, text: str) -> str | None:
        main = text_of(self.site.layout.asterisk / manager.MAIN) or ""
        found = manager.foreign_secret(text, self._name)
        return manager.foreign_secret(main, self._name) if found is None else found

    def _is_right(self) -> bool:
        text, secret = text_of(self._path), self.site.secret(AMI_SECRET)
        foreign = self._foreign(text or "")
        if foreign is not None:
            return bool(secret) and secret == foreign
        return bool(secret) and text == manager.with_block(text or "", self.site.config.ami, secret)

    def _write(self, text: str) -> None:
        try:
            found = self._path.stat()
            mode, owner = found.st_mode & 0o7777, (found.st_uid, found.st_gid)
        except FileNotFoundError:
            folder = self._path.parent.stat()
            mode, owner = _NEW_MODE, (folder.st_uid, folder.st_gid)
            text = manager.MADE + text
        write_file(self._path, text.encode("utf-8", "surrogateescape"), mode, owner)
        reload_asterisk()


def reload_asterisk() -> bool:
    """Have Asterisk read its manager's users; False: it does not run, and reads them when it starts."""
    asterisk = program("asterisk")
    return asterisk is not None and run([asterisk, "-rx", "manager reload"], seconds=30).returncode == 0
