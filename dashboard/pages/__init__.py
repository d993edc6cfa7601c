"""One module a page; a page reads through `models.queries` and never imports a connector."""
