"""How fast the observatory moves toward a target, from where and when it was observed alone."""

from __future__ import annotations

import numpy as np

LATITUDE, LONGITUDE = 31.964, -111.600
"""Of the Mayall telescope in degrees, east positive."""
ORBIT = 29.789
"""Mean velocity of the Earth in its orbit, km/s."""
EQUATOR = 0.4651
"""Velocity of the Earth's surface at the equator, km/s."""
PRECESSION = 3.8239e-5
"""Of the equinox along the ecliptic, degrees a day."""


def barycentric_velocity(ra: float, dec: float, mjd: float) -> float:
    """Velocity of the observatory toward a target.

    Parameters
    ----------
    ra, dec : float
        Position in degrees.
    mjd : float
        Time, UTC.

    Returns
    -------
    float
        Velocity in km/s, positive toward the target: the factor from observed to barycentric wavelength is 1 plus it over that of
        light. Good to 0.05 km/s, since the Sun is taken for the barycentre and the orbit of the Earth for an ellipse.

    References
    ----------
    Low-precision position of the Sun and sidereal time: The Astronomical Almanac, section C.
    """
    days = mjd - 51544.5
    anomaly = np.radians(357.528 + 0.9856003 * days)
    # Longitudes count from the equinox of 2000, as right ascensions do: precession is taken off.
    sun = np.radians(280.460 + (0.9856474 - PRECESSION) * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    tilt, perihelion, eccentricity = np.radians(23.439), np.radians(282.94), 0.0167
    # The Earth moves at right angles to the Sun, and the ellipse adds a constant vector.
    x = ORBIT * (np.sin(sun) + eccentricity * np.sin(perihelion))
    y = -ORBIT * (np.cos(sun) + eccentricity * np.cos(perihelion))
    sidereal = np.radians((280.46062 + 360.98564737 * days + LONGITUDE) % 360.0)
    spin = EQUATOR * np.cos(np.radians(LATITUDE))
    velocity = np.array([x - spin * np.sin(sidereal), y * np.cos(tilt) + spin * np.cos(sidereal), y * np.sin(tilt)])
    alpha, delta = np.radians(ra), np.radians(dec)
    toward = np.array([np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)])
    return float(velocity @ toward)
