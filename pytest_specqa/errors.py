"""The errors that users of pytest-specqa see: one line each, with what to do."""


class SpecQAError(Exception):
    """Anything the user can mend; ``str(error)`` is one line that says how."""

    def _render_traceback_(self) -> list[str]:
        """Show the line alone in a notebook, which asks for this name."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(SpecQAError):
    """A command line, ini value or environment that cannot be carried out."""


class SelectionError(UsageError):
    """A night, tile, exposure, camera or petal that the production does not hold."""


class ProductError(SpecQAError):
    """A product that is missing, unreadable or not what the data model says."""


class MissingProductError(ProductError):
    """A product file that should exist and does not."""


class UnreachableError(ProductError):
    """A file or folder on a server that could not be read in spite of all retries: it says nothing about the data."""


class RefusedError(UnreachableError, UsageError):
    """A file or folder that a server does not show this user: who asked must mend it, and the data have no part in it."""


class LimitError(UsageError):
    """An entry of a limits file that is malformed, unknown or can never fail."""


class WaiverError(UsageError):
    """An entry of a waivers file that is malformed or has expired."""


class ResultsError(UsageError):
    """A results file that is missing, empty or malformed."""


class EmptyResultsError(ResultsError):
    """A results file without a single measurement."""


class PolicyError(UsageError):
    """An entry of a gate policy that is malformed, unknown or can never block."""


class InputError(SpecQAError, ValueError):
    """Arrays that a measure cannot take: of another shape, another spectrograph, or no spectra at all."""
