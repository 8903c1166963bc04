"""The generator's table of contents: schemas in, files out."""

from pathlib import Path
from typing import Final

from central.generate import fields_doc, pipeline, templates
from central.generate.fields import fields_of
from shipper.schema import KINDS

ROOT: Final = Path(__file__).resolve().parents[2]


def artefacts() -> dict[str, str]:
    """Give every generated file: path below the checkout -> content."""
    # Here, since the screens' sources need the fields above, and only the checkout has them.
    from dashboards.alerts.contents import monitor_files  # noqa: PLC0415
    from dashboards.build.ndjson import saved_object_files  # noqa: PLC0415

    fields = {kind: fields_of(kind) for kind in KINDS}
    return {
        **templates.component_templates(fields),
        **templates.index_templates(fields),
        **pipeline.ingest_pipelines(fields),
        **fields_doc.field_documentation(fields),
        **saved_object_files(),
        **monitor_files(),
    }


def differing(root: Path = ROOT) -> list[str]:
    """Name the files below `root` that are missing, superfluous or not as generated, sorted."""
    wanted = artefacts()
    changed = {name for name, text in wanted.items() if _read(root / name) != text}
    return sorted(changed | _superfluous(root, wanted))


def write(root: Path = ROOT) -> list[str]:
    """Write what differs below `root`, remove what is no longer generated, and name both, sorted.

    Raises:
        OSError: a file cannot be written.
    """
    wanted = artefacts()
    names = differing(root)
    for name in names:
        path = root / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    return names


def _superfluous(root: Path, wanted: dict[str, str]) -> set[str]:
    """Name the files in wholly generated folders that nothing generates (any longer)."""
    folders = [root / "index_templates", root / "dashboards" / "monitors"]
    found = {str(path.relative_to(root)) for folder in folders for path in folder.glob("*/*.json")}
    return found - wanted.keys()


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
