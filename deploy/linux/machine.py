"""Files, users, locks and other programs of the machine, with errors that a person understands."""

import fcntl
import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from errno import ENOSPC, EROFS
from pathlib import Path
from typing import Final

from deploy.linux.layout import USER, Layout
from deploy.linux.text import InstallError, Text, reason

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SECONDS: Final = 120.0
"""For another program: a check waits for a database and for head office."""
_CRONS: Final = {"cron", "crond"}


def run(
    command: Sequence[str | Path],
    *,
    user: str | None = None,
    environ: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run another program to its end, without a shell.

    Args:
        command: its words.
        user: as whom; None: as we are.
        environ: more variables than `PATH` and `LANG`.
        seconds: how long it may take.

    Returns:
        What it said; 127 where it is not there, 124 where it took too long.
    """
    words = [str(word) for word in command]
    whose: dict[str, object] = {"user": user, "group": user, "extra_groups": []} if user else {}
    try:
        return subprocess.run(  # type: ignore[call-overload,no-any-return]  # noqa: S603  # our own words
            words,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": PATH, "LANG": "C.UTF-8", **(environ or {})},
            **whose,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(words, 127, "", f"{words[0]}: not found")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 124, "", f"no answer within {seconds:.0f} s")
    except OSError as error:
        return subprocess.CompletedProcess(words, 126, "", f"{words[0]}: {error.strerror}")


def must(command: Sequence[str | Path]) -> None:
    """Run a program that has to succeed.

    Raises:
        InstallError: it did not.
    """
    done = run(command)
    if done.returncode:
        line = shlex.join(str(word) for word in command)
        said = last_line(done.stderr) or last_line(done.stdout) or f"{done.returncode}"
        raise InstallError(
            Text(f"{line} não funcionou ({said})", f"{line} failed ({said})"),
            Text("rode este comando à mão para ver o motivo", "run it by hand to see why"),
        )


def last_line(said: str) -> str:
    """The last line with something in it."""
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")


def is_root() -> bool:
    """Whether everything may be written."""
    return os.geteuid() == 0


def user_exists() -> bool:
    """Whether the agent's user is there."""
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return False
    return True


def user_ids() -> tuple[int, int]:
    """The agent's user and group, as numbers; root's where there is none."""
    try:
        found = pwd.getpwnam(USER)
    except KeyError:
        return 0, 0
    return found.pw_uid, found.pw_gid


def program(name: str) -> str | None:
    """Where a program lies, whatever the caller's `PATH` is."""
    return shutil.which(name, path=PATH)


def start_command(root: Path, name: str) -> str:
    """What starts a service on a machine of this kind."""
    if (root / "run/systemd/system").is_dir():
        return f"systemctl start {name}"
    return f"service {name} start"


def cron_runs() -> bool:
    """Whether a cron is there that reads its tables."""
    return any(_name(process) in _CRONS for process in Path("/proc").glob("[0-9]*"))


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell a disk that is full, or closed, by its name.

    Raises:
        InstallError: it is.
    """
    try:
        yield
    except OSError as error:
        hints = {
            ENOSPC: Text(f"libere espaço (df -h {path.parent})", f"free some space (df -h {path.parent})"),
            EROFS: Text(
                f"o disco está só para leitura: mount -o remount,rw {_mounted(path)}",
                f"the disk is read-only: mount -o remount,rw {_mounted(path)}",
            ),
        }
        hint = hints.get(error.errno or 0, Text(f"veja: ls -ld {path.parent}", f"see: ls -ld {path.parent}"))
        why = reason(error)
        again = Text(", e rode o mesmo comando de novo", ", then run the same command again")
        raise InstallError(
            Text(
                f"{path} não pode ser gravado ({why.pt})",
                f"{path} cannot be written ({why.en})",
            ),
            hint + again,
        ) from error


def _mounted(path: Path) -> Path:
    while not path.is_mount() and path != path.parent:
        path = path.parent
    return path


def make_folder(path: Path, mode: int, owner: tuple[int, int] = (0, 0)) -> None:
    """Make a directory with that mode and owner, or give them to one that is there.

    Raises:
        InstallError: it cannot be.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        if is_root():
            os.chown(path, *owner)


def write_file(path: Path, content: bytes, mode: int, owner: tuple[int, int] = (0, 0)) -> None:
    """Write a file whole or not at all, and on the disk before it counts.

    Args:
        path: in a directory that only root writes to.
        content: all of it.
        mode: its permissions.
        owner: user and group.

    Raises:
        InstallError: it cannot be written.
    """
    growing = path.with_name(f".{path.name}.new")
    with writing(path):
        growing.unlink(missing_ok=True)
        descriptor = os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fchmod(descriptor, mode)
                if is_root():
                    os.fchown(descriptor, *owner)
                os.fsync(descriptor)
            growing.replace(path)
        except OSError:
            growing.unlink(missing_ok=True)
            raise


def point(link: Path, target: str) -> None:
    """Make a symbolic link, or turn one round in one step.

    Raises:
        InstallError: it cannot be written.
    """
    growing = link.with_name(f".{link.name}.new")
    with writing(link):
        growing.unlink(missing_ok=True)
        growing.symlink_to(target)
        growing.replace(link)


def is_file(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> bool:
    """Whether a file is just so."""
    try:
        found = path.lstat()
        good = found.st_mode & 0o7777 == mode and path.read_bytes() == content
    except OSError:
        return False
    return good and (owner is None or not is_root() or (found.st_uid, found.st_gid) == owner)


def text_of(path: Path) -> str | None:
    """A file's text; None where there is none.

    Raises:
        InstallError: it is there and cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        why = reason(error)
        raise InstallError(
            Text(f"{path} não pode ser lido ({why.pt})", f"{path} cannot be read ({why.en})"),
            Text(f"veja: ls -l {path}", f"see: ls -l {path}"),
        ) from error


@contextmanager
def locked(layout: Layout, *, wait: bool, busy: Callable[[], None] = lambda: None) -> Iterator[bool]:
    """Hold the lock of all that changes the installation or starts the agent.

    Args:
        layout: where it lies.
        wait: for whoever holds it; else give False at once.
        busy: called once before it waits.
    """
    with writing(layout.lock):
        layout.lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                yield False
                return
            busy()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield True
    finally:
        os.close(descriptor)


def local_environment(layout: Layout) -> dict[str, str]:
    """The settings of this machine, as systemd reads such a file (systemd.exec(5), EnvironmentFile=).

    Raises:
        InstallError: the file cannot be read.
    """
    found: dict[str, str] = {}
    for line in (text_of(layout.environment) or "").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            found[name.strip()] = value
    return found
