"""Records of many runs: a table on disk, and what is read off it."""
