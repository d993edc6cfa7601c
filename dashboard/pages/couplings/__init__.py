"""The couplings page of the administrator."""
