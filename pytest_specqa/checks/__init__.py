"""A value meets its limit: what becomes of one check, and how that is put into words."""
