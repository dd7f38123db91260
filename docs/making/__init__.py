"""Makes the pages of the documentation that say what the code knows: expectations, measures, commands, interface, pictures."""
