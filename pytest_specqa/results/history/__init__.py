"""What changed over the nights of a store, since when, and by how much."""
