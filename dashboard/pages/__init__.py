"""One module a page, with its parts; a page reads and changes through `models`, as whoever looks, and never imports a
connector."""
