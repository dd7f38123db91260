"""Limits from one's own data: what the clean units of a production would keep, written as a limits file."""
