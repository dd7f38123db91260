"""What the cameras of one exposure show over the focal plane."""
