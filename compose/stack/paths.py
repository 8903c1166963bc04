"""Where the stack keeps things, who owns them, and what may be executed."""

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from compose.stack.errors import StackError

SERVER_UID = 64_111
"""OpenSearch refuses to run as root: as root, the servers get this uid (and gid), which needs no account."""


def server_uid() -> int | None:
    """The uid for the servers: None where they run as the user who starts them."""
    return SERVER_UID if os.geteuid() == 0 else None


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory for downloads, assembled servers and the state of ``up``; it may not exist yet.

    ``$PABX_CACHE``; else, as root, ``/var/cache/pabx-shipper`` (root's home is closed to the servers'
    uid); else ``$XDG_CACHE_HOME/pabx-shipper`` or ``~/.cache/pabx-shipper``.
    """
    if environ.get("PABX_CACHE"):
        return Path(environ["PABX_CACHE"]).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/pabx-shipper")
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pabx-shipper"


def make_cache_dir() -> Path:
    """Create the cache directory where it is missing.

    Raises:
        StackError: It cannot be written, or the servers' uid cannot read it.
    """
    cache = cache_dir()
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(
            f"cache {cache}: {error.strerror}: set PABX_CACHE to a writable directory"
        ) from error
    if not os.access(cache, os.W_OK):
        raise StackError(f"cache {cache} is not writable: set PABX_CACHE to a directory of your own")
    if server_uid() is not None:
        cache.chmod(0o755)
        check_reachable(cache)
    return cache


def make_data_dir(path: Path) -> None:
    """Create a server's directory; as root, let the servers' uid pass through it whatever the umask is.

    Raises:
        StackError: As root: a directory above it is closed to others.
    """
    path.mkdir(parents=True, exist_ok=True)
    if server_uid() is not None:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o011)
        check_reachable(path)


def check_reachable(path: Path) -> None:
    """As root: make sure that the servers' uid can get to ``path``.

    Raises:
        StackError: A directory above it is closed to others.
    """
    if server_uid() is None:
        return
    for parent in path.resolve().parents:
        found = parent.stat()
        if not found.st_mode & (stat.S_IXUSR if found.st_uid == SERVER_UID else stat.S_IXOTH):
            raise StackError(
                f"{path} is out of reach for the servers' user (uid {SERVER_UID}), {parent} is closed to it: "
                f"choose another directory, or chmod o+x {parent}"
            )


def hand_over(path: Path) -> None:
    """As root: give ``path`` and all below it to the servers' uid; otherwise do nothing.

    Raises:
        StackError: That is not possible here.
    """
    uid = server_uid()
    if uid is None:
        return
    check_reachable(path)
    try:
        for directory, _, files in os.walk(path):
            os.chown(directory, uid, uid)
            for name in files:
                os.chown(Path(directory) / name, uid, uid, follow_symlinks=False)
    except OSError as error:  # a container whose root may not do that, or has no such uid
        raise StackError(
            f"{path} cannot be given to uid {uid} ({error.strerror}): run this as an ordinary user"
        ) from error


def unsafe_reason(path: Path) -> str:
    """Why ``path`` must not be executed: everybody could have written or replaced it; '' if it may.

    Looks at the file itself and every directory above it. A sticky directory such as /tmp is no
    danger to what already lies in it.
    """
    real = path.resolve()
    for place in (real, *real.parents):
        mode = place.stat().st_mode
        if mode & stat.S_IWOTH and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
            return f"{place} is writable by everybody"
    return ""


def check_home(home: Path) -> None:
    """Make sure that nobody else can have changed an assembled server.

    Raises:
        StackError: A file in it, or a directory above it, is writable by others or not ours.
    """
    reason = unsafe_reason(home)
    trusted = (0, os.geteuid())
    for place in (home, *home.resolve().parents):
        if not reason and place.stat().st_uid not in trusted:
            reason = f"{place} belongs to uid {place.stat().st_uid}"
    for path in home.rglob("*"):
        found = path.lstat()
        loose = found.st_mode & stat.S_IWOTH and not stat.S_ISLNK(found.st_mode)
        if not reason and (loose or found.st_uid not in trusted):
            reason = f"{path} could have been written by others"
    if reason:
        raise StackError(
            f"{home} is not executed, {reason}: delete it, or set PABX_CACHE to a directory of your own"
        )


def kept_secret(file: Path) -> str:
    """The secret in ``file``; made at random on first use, readable by the owner only, and kept."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        growing = file.with_name(f"{file.name}.new")
        growing.unlink(missing_ok=True)
        growing.touch(mode=0o600)
        growing.write_text(secrets.token_urlsafe(18), encoding="ascii")
        growing.rename(file)  # so that an empty secret is never read
    return file.read_text(encoding="ascii")


@contextmanager
def locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold an exclusive lock on the file ``path``; it is freed when the process dies.

    Args:
        path: The lock file.
        on_wait: Called once if another process holds it.
    """
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
