"""The worker: asks sources when they are due, and does what pages ask for."""
