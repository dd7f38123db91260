"""Notebooks become pages."""

from __future__ import annotations

from base64 import b64encode

from making.notebooks import page_of


def test_text_stays_text_and_code_is_shown_with_what_it_said(tmp_path):
    text = {"cell_type": "markdown", "source": ["# A night\n", "by hand"]}
    code = {"cell_type": "code", "source": ["print(1)"], "outputs": [{"output_type": "stream", "text": ["1\n"]}]}
    assert list(page_of(text, tmp_path / "night-0")) == ["# A night\nby hand", ""]
    assert list(page_of(code, tmp_path / "night-1")) == ["```python", "print(1)", "```", "", "```text", "1", "```", ""]


def test_a_picture_is_written_beside_the_page(tmp_path):
    picture = {"output_type": "display_data", "data": {"image/png": b64encode(b"png").decode(), "text/plain": ["<Figure>"]}}
    cell = {"cell_type": "code", "source": ["draw()"], "outputs": [picture]}
    assert "![What the cell draws](night-3-0.png)" in list(page_of(cell, tmp_path / "pages" / "night-3"))
    assert (tmp_path / "pages" / "night-3-0.png").read_bytes() == b"png"


def test_a_cell_without_code_is_nothing(tmp_path):
    assert list(page_of({"cell_type": "code", "source": [], "outputs": []}, tmp_path / "night-0")) == []
