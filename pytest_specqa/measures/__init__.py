"""Statistics of spectra and tables: arrays in, a number with its error out; no files, no tests, no plots."""
