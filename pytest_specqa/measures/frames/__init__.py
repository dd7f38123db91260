"""Measures of frames: what CCD, extraction and wavelength solution left in the spectra, whatever the sky model made of it."""
