"""Expectations on spectroscopic data products, run by pytest with the pytest-specqa plugin."""
