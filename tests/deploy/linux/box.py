"""A Debian machine for the installer: a tree made once, and copies of it in which processes and mounts end.

The tree comes from debootstrap and this machine's own mirror, and lies in the project's cache. A copy is an
overlay in a mount and process namespace of its own: whatever happens in it, killing its first process ends
it. Network and clock are this machine's.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from compose.stack.paths import cache_dir, make_cache_dir

PACKAGES = ("python3", "mariadb-server", "openssl", "ca-certificates", "cron", "systemd-sysv", "dbus")
"""Of a FreePBX machine, what the agent meets; systemd and dbus for the copies that are booted."""
SUITE = "bookworm"
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRON = {"PATH": SEARCHED, "LANG": "C.UTF-8", "PABX_SHIPPER_STEADY_SECONDS": "0.5"}
"""Of every command in it: an agent that has been up for so long counts as steady."""
GROUPS = (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"))
FIRST_PROCESS = """
import os, time
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.05)
"""
"""Takes in what others leave behind, as an init does."""


ALONE = "--register=no --keep-unit --resolv-conf=off --timezone=off --link-journal=no"
"""systemd-nspawn without the machine's own systemd, and without its files."""


class NoTreeError(Exception):
    """The mirror, or the disk."""


def obstacle() -> str:
    """Why no copy can be made here; empty: it can."""
    if os.geteuid() != 0:
        return "a chroot needs root"
    for name, package in (("unshare", "util-linux"), ("nsenter", "util-linux"), ("chroot", "coreutils")):
        if shutil.which(name) is None:
            return f"{name} is not on PATH (package {package})"
    if not _tree().is_dir() and shutil.which("debootstrap") is None:
        return "debootstrap is not on PATH (package debootstrap), and no tree was made before"
    if not _tree().is_dir() and not _mirror():
        return "this machine's apt names no mirror of Debian"
    return ""


def tree() -> Path:
    """The tree, made where it is missing (some three minutes)."""
    found = _tree()
    if not found.is_dir():
        make_cache_dir()
        growing = found.with_name(f"{found.name}.new")
        shutil.rmtree(growing, ignore_errors=True)
        include = ",".join(PACKAGES)
        command = ["debootstrap", "--variant=minbase", f"--include={include}", SUITE, str(growing), _mirror()]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
        )
        if done.returncode:
            said = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise NoTreeError(f"debootstrap made no Debian: {''.join(said)}")
        shutil.rmtree(growing / "var/cache/apt")
        growing.rename(found)
    return found


def _tree() -> Path:
    return cache_dir() / f"debian-{SUITE}-{len(PACKAGES)}"


def _mirror() -> str:
    """Of Debian itself, as apt knows it."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return next(iter(done.stdout.split()), "")


@dataclass(frozen=True)
class Box:
    """One machine.

    Attributes:
        inside: the words that begin a command in it.
        first: its first process, as this machine numbers it.
    """

    inside: tuple[str, ...]
    first: int

    def enter(self, *command: str | Path) -> list[str]:
        """The words that run a command in it."""
        return [*self.inside, *(str(word) for word in command)]

    def run(
        self, *command: str | Path, check: bool = True, text: str | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it to its end."""
        done = subprocess.run(
            self.enter(*command),
            capture_output=True,
            text=True,
            input=text,
            check=False,
            timeout=240,
            env={**ENVIRON, **environ},
        )
        if check and done.returncode:
            raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *command: str | Path) -> "subprocess.Popen[bytes]":
        """Start a command in it and leave it."""
        return subprocess.Popen(
            self.enter(*command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRON,
        )

    def read(self, path: str) -> str:
        """A file of it."""
        return self.run("cat", path).stdout

    def write(self, path: str, content: str | bytes, mode: str = "0644") -> None:
        """Write a file of it."""
        raw = content.encode() if isinstance(content, str) else content
        command = self.enter(
            "sh", "-c", f"mkdir -p $(dirname '{path}'); cat >'{path}'; chmod {mode} '{path}'"
        )
        subprocess.run(command, input=raw, check=True)

    def listing(self) -> dict[str, str]:
        """Every file with its owner, mode, and size or target; what servers write is left out."""
        script = """
import json, os, stat
found = {}
for folder, names, files in os.walk("/"):
    if folder in ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/lib/mysql"):
        names[:] = []
        continue
    for name in names + files:
        path = os.path.join(folder, name)
        at = os.lstat(path)
        size = at.st_size if stat.S_ISREG(at.st_mode) else ""
        what = os.readlink(path) if stat.S_ISLNK(at.st_mode) else size
        found[path] = f"{at.st_uid}:{at.st_gid} {at.st_mode:o} {what}"
print(json.dumps(found))
"""
        found: dict[str, str] = json.loads(self.run("python3", "-c", script).stdout)
        return found


@contextmanager
def new_box(lower: Path, *, boot: bool = False, files: Mapping[str, str] | None = None) -> Iterator[Box]:
    """A machine of its own; nothing of it is left.

    Args:
        lower: the tree.
        boot: by its own systemd, which becomes its first process.
        files: what is in it from the beginning, by path.
    """
    folder = Path(tempfile.gettempdir()) / f"pabx-box-{secrets.token_hex(4)}"
    folder.mkdir()
    for name in ("upper", "work", "root"):
        (folder / name).mkdir()
    for name, text in (files or {}).items():
        file = folder / "upper" / name.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    path = folder / "root"
    overlay = f"lowerdir={lower},upperdir={folder}/upper,workdir={folder}/work"
    script = f"set -e\nmount -t overlay overlay -o {overlay} {path}\n"
    groups = [base / folder.name for base in GROUPS if boot and (base / "cgroup.procs").exists()]
    if boot:
        # Two at once would share what systemd-nspawn makes below the group that it is started in.
        script += "".join(f"mkdir {group}; echo $$ >{group}/cgroup.procs\n" for group in groups)
        script += f"exec systemd-nspawn --quiet --boot --directory={path} --machine={folder.name} {ALONE}"
        command = ["unshare", "--mount", "sh", "-c", script]
    else:
        script += f"""
mount -t proc proc {path}/proc
mount -t tmpfs -o mode=755 tmpfs {path}/run
mount --rbind /dev {path}/dev
exec {sys.executable} -c "$1"
"""
        command = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            script,
            "sh",
            FIRST_PROCESS,
        ]
    with (folder / "log").open("wb") as log:
        holder = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    first = 0
    try:
        first = _first(holder, ("systemd",) if boot else ("python", "python3"), folder / "log")
        if boot:
            inside = ["nsenter", f"--target={first}", "--mount", "--pid", "--root", "--wd=/"]
            box = Box(tuple(inside), first)
            box.run("sh", "-c", "systemctl is-system-running --wait || sleep 0.5", check=False)
        else:
            box = Box(("nsenter", f"--target={first}", "--mount", "--pid", "chroot", str(path)), first)
        yield box
    finally:
        if first:
            with suppress(ProcessLookupError):
                os.kill(first, signal.SIGKILL)  # all of its namespace ends with it, not with systemd-nspawn
        holder.kill()
        holder.wait()
        for group in groups:
            _remove_group(group)
        with suppress(OSError):
            shutil.rmtree(folder)


def _remove_group(group: Path) -> None:
    """What has ended leaves its group a moment later."""
    for _ in range(50):
        for folder, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
        if not group.exists():
            return
        time.sleep(0.1)


def _first(holder: "subprocess.Popen[bytes]", names: tuple[str, ...], log: Path) -> int:
    """The first process of the namespace, once it is what it is to be."""
    for _ in range(1000):
        if holder.poll() is not None:
            break
        for child in [
            *_children(holder.pid),
            *(one for each in _children(holder.pid) for one in _children(each)),
        ]:
            with suppress(OSError):
                if Path(f"/proc/{child}/comm").read_text(encoding="ascii").strip() in names:
                    return child
        time.sleep(0.02)
    raise RuntimeError(
        f"no such machine can be made here: {log.read_text(encoding='utf-8', errors='replace')}"
    )


def _children(process: int) -> list[int]:
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]
