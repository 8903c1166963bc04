"""What is installed from the wheel works without the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_what_the_commands_need(tmp_path: Path) -> None:
    """Schemas for the agent, templates, pipeline and dashboards for head office, nothing of tests or demo."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    assert {path.name for path in unpacked.iterdir() if not path.name.endswith("dist-info")} == {
        "shipper",
        "central",
    }
    shown = "import shipper.schema, central.assets; from pathlib import Path;"
    shown += "print(Path(shipper.schema.__file__).parents[2]); shipper.schema.load('cdr');"
    shown += "print(len(central.assets.load_assets().templates));"
    shown += "from central.saved_objects.files import LANGUAGES, load;"
    shown += "print(*(len(load(language)) for language in LANGUAGES))"
    # -P: the checkout, our working directory, must not help out.
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(unpacked)!r}); {shown}"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    templates = len(list((ROOT / "index_templates" / "index").glob("*.json")))
    objects = [
        len((ROOT / "dashboards" / "saved_objects" / f"pabx.{language}.ndjson").read_text().splitlines())
        for language in ("pt-BR", "en")
    ]
    shown_lines = [str(unpacked), str(templates), f"{objects[0]} {objects[1]}"]
    assert done.stdout.splitlines() == shown_lines
