"""Pages to look with: what an observer asks for next, as pictures that can be zoomed."""
