"""A production of any size: its units planned, judged as tasks by processes of an engine, and what is left found by comparison."""
