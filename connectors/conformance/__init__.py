"""The part of the conformance checker that calls a vendor's endpoint, and the reports of every check."""
