"""Nothing to configure here: the installed plugin does it; this file makes the checkout pytest's root."""
