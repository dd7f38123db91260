"""The store: what many runs of one production measured, kept by night and asked with SQL."""
