"""The site: static pages of a store, from the calendar of nights down to a fiber, that need neither a server nor a network."""
