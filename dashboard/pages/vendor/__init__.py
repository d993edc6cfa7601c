"""The pages on which vendors test their connection."""
