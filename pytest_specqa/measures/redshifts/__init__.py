"""What the redshifts of a petal or a tile show."""
