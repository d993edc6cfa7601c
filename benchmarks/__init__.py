"""What is measured, as ratios to a floor in one run."""
