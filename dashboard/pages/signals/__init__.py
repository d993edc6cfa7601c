"""The signals page and the forms that settle signals."""
