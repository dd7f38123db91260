"""What sky-subtracted spectra of one camera show."""
