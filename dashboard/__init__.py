"""What people see, and the place where everything is wired together."""
