"""May a release go? The policy applied to the results of many nights."""
