"""How data comes in and goes out; imports `models` only."""
