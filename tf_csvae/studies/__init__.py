"""Studies: what one publication measured, and how to repeat it."""
