"""What the data is and how it is kept; imports nothing else of ours."""
