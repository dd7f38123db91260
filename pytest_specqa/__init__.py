"""Data-quality expectations for spectroscopic surveys, as a pytest plugin."""

__version__ = "0.1.0"
