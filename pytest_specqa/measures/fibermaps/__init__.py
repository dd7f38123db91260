"""Who the fibers are, where they are, and what their masks and weights say."""
