"""What a search over simulated nights costs."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: a command is told to take no less than the one that starts it.
COSTS = """
import sys
from pytest_specqa.trials.histories.measured import ran
print(*(ran([sys.executable, "-c", text])[1] for text in ("x = bytearray(600_000_000)", "")))
"""


def test_memory_is_that_of_one_command_and_not_of_those_before():
    done = subprocess.run([sys.executable, "-c", COSTS], capture_output=True, text=True, check=True)
    large, small = map(float, done.stdout.split())
    assert small < 0.8 * large
