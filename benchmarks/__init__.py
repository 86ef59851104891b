"""Speed, side by side with a peer in the same run; nothing here is a test."""
