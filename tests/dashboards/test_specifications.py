"""Every Vega panel is drawn without an error or a warning, here without data; by its numbers elsewhere."""

import json
from typing import Any

import pytest
import vl_convert

from tests.dashboards.opened import Json, name_of, nodes, opened, params, shipped, state

# What OpenSearch Dashboards 2.8 has is 5.6; 5.8 is the nearest that this library has.
VEGA_LITE = "5.8"
EVERY = [(one, language) for language in ("pt-BR", "en") for one in opened(shipped(language))]


def _specifications(kind: str) -> list[Any]:
    return [
        pytest.param(params(one)["spec"], id=f"{name_of(one)} {language}")
        for one, language in EVERY
        if one["type"] == "visualization"
        and state(one)["type"] == "vega"
        and f"/{kind}/" in params(one)["spec"]["$schema"]
    ]


def without_data(spec: Json) -> Json:
    """Give a specification whose requests were answered by nothing."""
    found = json.loads(json.dumps(spec))
    for node in nodes(found):
        if isinstance(node, dict) and isinstance(node.get("url"), dict):
            del node["url"], node["format"]
            node["values"] = []
    # Only OpenSearch Dashboards has this function.
    return json.loads(json.dumps(found).replace("opensearchDashboardsAddFilter(", "isValid("))


def compiled(spec: Json) -> Json:
    """Compile Vega-Lite as OpenSearch Dashboards does, in its panel's size; warnings go to standard error."""
    sized = {**spec, "width": "container", "height": "container"}
    return vl_convert.vegalite_to_vega(sized, vl_version=VEGA_LITE, show_warnings=True)


@pytest.mark.parametrize("spec", _specifications("vega-lite"))
def test_a_vega_lite_panel_compiles_without_a_warning(spec: Json, capfd: pytest.CaptureFixture[str]) -> None:
    vega = compiled(without_data(spec))
    assert capfd.readouterr().err == ""
    assert "<svg" in vl_convert.vega_to_svg(vega)


@pytest.mark.parametrize("spec", _specifications("vega"))
def test_a_vega_panel_is_drawn(spec: Json) -> None:
    assert "<svg" in vl_convert.vega_to_svg(without_data(spec))


def test_a_wrong_expression_is_not_drawn() -> None:
    spec = without_data(_specifications("vega")[0].values[0])
    spec["signals"] = [{"name": "wrong", "update": "noSuchFunction(1)"}]
    with pytest.raises(ValueError, match="noSuchFunction"):
        vl_convert.vega_to_svg(spec)


def test_a_wrong_vega_lite_panel_does_not_compile() -> None:
    spec = without_data(_specifications("vega-lite")[0].values[0])
    spec["transform"] = [{"calculate": "1 +", "as": "wrong"}]
    with pytest.raises(ValueError, match="Unexpected end of input"):
        compiled(spec)


def test_a_warning_is_seen(capfd: pytest.CaptureFixture[str]) -> None:
    spec = without_data(_specifications("vega-lite")[0].values[0])
    spec["encoding"] = {"shape": {"field": "part"}}
    compiled(spec)
    assert "shape dropped as it is incompatible" in capfd.readouterr().err
