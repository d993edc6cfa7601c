"""Which role may do what and where, tried for real."""
