"""Who is asking: sessions and the guard before every request."""
