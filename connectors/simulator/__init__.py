"""A school and its suppliers that exist only here: they speak UWLR over loopback, for the demo and the tests."""
