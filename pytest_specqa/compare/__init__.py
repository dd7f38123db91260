"""Two productions side by side: runs the suite on both, compares what it measured, and shows it on one page."""
