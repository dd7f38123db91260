"""Makes the checkout pytest's root, and gives the project's own tests pytest's tool for testing plugins."""

pytest_plugins = ["pytester"]
