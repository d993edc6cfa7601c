"""The signals page and the forms that resolve signals."""
