"""Judging a production while it is made: what is complete is judged, stored, shown and told of."""
