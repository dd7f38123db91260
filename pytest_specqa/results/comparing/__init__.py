"""Two sets of results side by side: verdicts that flipped, values that moved."""
