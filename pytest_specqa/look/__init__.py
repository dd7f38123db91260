"""What an observer asks for next: an exposure to look at, on one interactive page that needs no network."""
