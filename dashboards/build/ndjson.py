"""The files that OpenSearch Dashboards imports: one a language, one object a line."""

from dashboards.build.words import Language
from dashboards.screens import saved_objects


def saved_object_files() -> dict[str, str]:
    """Give each file: path below the checkout -> content."""
    return {
        f"dashboards/saved_objects/pabx.{language.value}.ndjson": "".join(
            f"{one.line()}\n" for one in saved_objects(language)
        )
        for language in Language
    }
