"""Templates, pipeline and field documentation, generated from the JSON Schemas in `shipper/schema`.

`python -m central.generate` writes them, `--check` only compares. The stages, one module each:
`fields` (schema -> flat fields), `mapping` and `analysis` (how a field is indexed), then one module per
artefact: `templates`, `pipeline`, `fields_doc`.
"""

from central.generate.fields import Field, fields_of, index_pattern_fields
from central.generate.main import artefacts, differing, write

__all__ = ["Field", "artefacts", "differing", "fields_of", "index_pattern_fields", "write"]
