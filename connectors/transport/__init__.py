"""HTTP: the client for everything that goes out, the server for everything that comes in."""
