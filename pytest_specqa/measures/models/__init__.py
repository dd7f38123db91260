"""What products without photon noise show: sky model, fiber flats, flux calibration."""
