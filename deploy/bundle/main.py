# -*- coding: utf-8 -*-
"""The ``__main__.py`` of a store's bundle: ``sudo python3 Loja001.zip [--yes] [--dry-run]``.

Takes the agent out of the zip in which it lies and runs its installer with this very zip; in a folder with
the extracted files it does the same. ``--uninstall`` runs the uninstaller instead. It must be parsed by
whatever Python a machine has, 2.7 included, so that an old one is told in one line, not by a syntax error.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib

NEEDED = (3, 11)
AGENT = "shipper.pyz"


def missing(version, uid, name):
    # type: (tuple[int, int], int | None, str) -> str | None
    """What keeps this machine from installing, a line in each language; None where nothing does.

    Args:
        version: (major, minor) of the Python that runs this.
        uid: the user's number, 0 for root; None where the system has none (Windows).
        name: the bundle, as it was called.
    """
    if uid is None:
        return (
            "No Windows, extraia o .zip inteiro e abra o instalar.cmd.\n"
            "On Windows, extract the whole .zip and open instalar.cmd."
        )
    if version < NEEDED:
        return (
            "Precisa de Python 3.11 ou mais novo, este é o {0}.{1}: use um mais novo, python3.11 {2}\n"
            "Python 3.11 or newer is needed, this is {0}.{1}: use a newer one, python3.11 {2}"
        ).format(version[0], version[1], name)
    if uid != 0:
        return "Precisa ser root: sudo python3 {0}\nThis needs root: sudo python3 {0}".format(name)
    return None


def command(python, agent, bundle, arguments):
    # type: (str, str, str, list[str]) -> list[str]
    """The command line of the installer in the agent."""
    if "--uninstall" in arguments:
        return [python, agent, "uninstall"] + [word for word in arguments if word != "--uninstall"]
    return [python, agent, "install", "--bundle", bundle] + arguments


def main(arguments):
    # type: (list[str]) -> int
    """Run the installer; its exit code, or 2 where it cannot be run."""
    # Python puts what it was told to run there: the zip, or the folder of this file.
    bundle = os.path.abspath(sys.path[0])
    uid = os.getuid() if hasattr(os, "getuid") else None
    trouble = missing((sys.version_info[0], sys.version_info[1]), uid, sys.argv[0])
    if trouble:
        sys.stderr.write(trouble + "\n")
        return 2
    if os.path.isdir(bundle):
        return subprocess.call(command(sys.executable, os.path.join(bundle, AGENT), bundle, arguments))
    # For root alone (mkdtemp's 0700): what lies in it is run as root.
    folder = tempfile.mkdtemp(prefix="pabx-shipper-")
    try:
        agent = os.path.join(folder, AGENT)
        with zipfile.ZipFile(bundle) as archive, archive.open(AGENT) as source, open(agent, "wb") as target:
            shutil.copyfileobj(source, target)
        return subprocess.call(command(sys.executable, agent, bundle, arguments))
    except (zipfile.BadZipfile, zlib.error, KeyError, EOFError, OSError) as error:
        text = "{0} está incompleto, copie-o de novo\n{0} is incomplete, copy it again: {1}\n"
        sys.stderr.write(text.format(bundle, error))
        return 2
    except KeyboardInterrupt:
        # The installer has had it too and said what there is to say.
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
