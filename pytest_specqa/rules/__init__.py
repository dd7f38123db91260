"""What people write down: limits, waivers, the policy of a gate."""
