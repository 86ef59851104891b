"""The terms of the objectives, one file each, for any system to list."""
