"""CSV, XLSX and HTML files of what is on a screen."""
