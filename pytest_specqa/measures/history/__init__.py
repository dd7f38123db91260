"""What many nights show together, as pure statistics."""
