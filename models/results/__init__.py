"""What the stored results say: current results, scales, norms, subjects, progress."""
