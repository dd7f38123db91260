"""The example notebook runs, says what its words promise, and is kept without outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs nbformat (pip install 'pytest-specqa[notebook]')")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient (pip install 'pytest-specqa[notebook]')")
pytest.importorskip("ipykernel", reason="needs ipykernel (pip install 'pytest-specqa[notebook]')")

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "notebooks" / "camera.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_kept_without_outputs(notebook):
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 5
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_tells_the_story_of_the_demo(notebook, demo, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    cell.source = f"production = {str(demo)!r}"
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    text = "\n".join(output.get("text", "") or output["data"].get("text/plain", "") for output in outputs)
    html = "\n".join(output["data"].get("text/html", "") for output in outputs if "data" in output)
    assert "FAILED: 4 of 38 checks fail" in text
    assert "the sky model itself is wrong" in text
    assert "6546" in text
    assert "sky_chromatic_block" in html
    assert html.count("data:image/png;base64,") >= 4
