"""One pytest run: options, selection, fixtures, scheduling, and what is told of it at the end."""
