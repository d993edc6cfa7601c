"""The connections page of the administrator."""
