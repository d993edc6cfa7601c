"""The conformance checker: calls a vendor's endpoint by scenarios, and reports the outcome of every check."""
